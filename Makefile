# Each of these does its own set-up: it takes Python 3.11 or newer, and make.
#   make test     the whole suite
#   make amqp     what speaks AMQP once more, with aio-pika 10
#   make check    the static checks: rules, layout, types, import contracts
#   make demo     record a small suite, stop its servers, replay it
#   make record   record the checked-in cassettes again, from the servers in fixtures/
#   make bench    measure, beside other projects
#   make clean    remove what these made

VENV ?= .venv
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
READY := $(VENV)/.ready
NOX = PATH="$(abspath $(VENV))/bin:$$PATH" nox

.PHONY: test amqp check demo record bench clean

test: $(READY)
	$(VENV)/bin/python -m pytest --numprocesses=auto

amqp: $(READY)
	$(NOX) --envdir $(abspath $(VENV))/nox --session 'amqp(aio-pika-10)' --force-python $(abspath $(VENV))/bin/python

check: $(READY)
	$(NOX) --no-venv --no-install --session lint types imports

demo: $(READY)
	$(VENV)/bin/python demo/run.py

record: $(READY)
	$(VENV)/bin/python -m pytest tests/sdk --record

bench: $(READY)
	$(NOX) --session bench

clean:
	rm -rf $(VENV) .nox .demo .coverage* .hypothesis .*_cache build dist htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml
	@test -n "$(PYTHON)" || { echo "no Python 3.11 or newer on the PATH: make PYTHON=/path/to/python" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(VENV)/bin/python -m pip install --quiet --editable '.[all]' --group dev
	@touch $@
