"""One session for each tool. The Makefile runs these too, so each command is written once.

    nox                     all that a change must pass, on every Python that is here
    nox -s lint             one of them
    nox -s 'tests-3.12(both)' -- tests/test_cassette.py

The dependency groups in pyproject.toml say what each installs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import nox

if TYPE_CHECKING:
    from collections.abc import Iterable

nox.options.default_venv_backend = "virtualenv"
nox.options.error_on_missing_interpreters = False
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", "imports", "tests", "amqp", "oldest", "coverage", "build"]

PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
BOTH = ["httpx", "httpx2"]
"""The two libraries: each is a dependency group, and an extra of the same name."""
EVERYTHING = [*BOTH, "metricq"]
"""All that the tests import, but for aio-pika 10."""
AMQP_TESTS = ["tests/amqp", "tests/fixtures/test_amqp.py", "tests/sdk"]
"""What a change of aio-pika may break."""


@nox.session
def lint(session: nox.Session) -> None:
    """Check rules and layout."""
    install(session, "lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Check types."""
    install(session, "types", "test", *EVERYTHING, project=".[all]")
    session.run("mypy")


@nox.session
def imports(session: nox.Session) -> None:
    """Check the contracts that keep each room in its place."""
    install(session, "lint", project=".")
    session.run("lint-imports")


@nox.session(python=PYTHONS)
@nox.parametrize("libraries", [["httpx"], ["httpx2"], BOTH], ids=[*BOTH, "both"])
def tests(session: nox.Session, libraries: list[str]) -> None:
    """Run the suite: with httpx only, with httpx2 only, and with both."""
    install(session, "test", *libraries, project=f".[amqp,cli,report,{','.join(libraries)}]")
    session.run("pytest", "--numprocesses=auto", *session.posargs)


@nox.session(python=PYTHONS)
@nox.parametrize("library", ["metricq", "aio-pika-10"], ids=["metricq", "aio-pika-10"])
def amqp(session: nox.Session, library: str) -> None:
    """Run what speaks AMQP: with aio-pika 9 and what is built on it, and with aio-pika 10."""
    install(session, "test", "httpx2", library, project=".[amqp,httpx2]")
    session.run("pytest", "--numprocesses=auto", *(session.posargs or AMQP_TESTS))


@nox.session(python=PYTHONS[0])
def oldest(session: nox.Session) -> None:
    """Run the suite with the lowest versions that the metadata allows."""
    install(
        session, "test", *BOTH, project=".[all]", constraints=lowest(*BOTH, "amqp", "respx", "cli", "report")
    )
    session.run("pytest", "--numprocesses=auto", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Measure the lines and branches that the suite takes, its subprocesses included."""
    install(session, "test", *EVERYTHING, project=".[all]")
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", "--numprocesses=auto", *session.posargs)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session(python=PYTHONS[:3])
@nox.parametrize("reader", ["yaml_reader", "sql_reader"], ids=["yaml_reader", "sql_reader"])
def fuzz(session: nox.Session, reader: str) -> None:
    """Fuzz a reader of cassettes for ten minutes. Not one of the checks."""
    install(session, "fuzz", project=".")
    session.run("python", "-m", f"tests.fuzz.{reader}", *(session.posargs or ["-max_total_time=600"]))


@nox.session
def build(session: nox.Session) -> None:
    """Build the sdist, and the wheel from it."""
    install(session, "build")
    session.run("python", "-m", "build")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure, beside other projects in the same run. Not one of the checks: it takes a quiet machine."""
    install(session, "bench", project=".[all]")
    session.run("python", "-m", "benchmarks", *session.posargs)


def install(
    session: nox.Session, *groups: str, project: str | None = None, constraints: Iterable[str] = ()
) -> None:
    """Install dependency groups, and the project where `project` says with which extras."""
    editable = [] if project is None else ["--editable", project]
    session.install(*editable, *nox.project.dependency_groups(PROJECT, *groups), *constraints)


def lowest(*extras: str) -> list[str]:
    """Pin what the project needs to the lowest versions that it says it works with."""
    needs = PROJECT["project"]["dependencies"]
    optional = PROJECT["project"]["optional-dependencies"]
    wanted = [*needs, *(need for extra in extras for need in optional[extra])]
    return [need.replace(">=", "==") for need in wanted]
