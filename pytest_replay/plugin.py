"""The pytest plugin: options, marker, fixture and hooks. The only room that imports pytest."""

from __future__ import annotations

import gc
import sys
import time
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from importlib.metadata import PackageNotFoundError, distribution
from typing import TYPE_CHECKING, Any, Literal, cast

import pytest
from _pytest.junitxml import xml_key

from pytest_replay import faults
from pytest_replay.active import innermost
from pytest_replay.bodies.decoders import load_decoders
from pytest_replay.errors import ReplayError, ReplayFailure, SettingsError, StalledError
from pytest_replay.items import (
    FAULT,
    MARKER,
    asked_by,
    find_collisions,
    find_parted,
    may_have_traffic,
    name_of_fixture,
    name_of_item,
)
from pytest_replay.matching import route_of
from pytest_replay.racing import raced
from pytest_replay.raising import raisable
from pytest_replay.replay import Replay
from pytest_replay.reporting.colours import TOLD, coloured
from pytest_replay.reporting.files import OPTION, read_targets
from pytest_replay.reporting.masking import Masking
from pytest_replay.reporting.reports import Reports
from pytest_replay.reporting.summary import Tally, counted, header_line
from pytest_replay.run import Run
from pytest_replay.settings import LISTS, NAMES, Mode, Settings

if TYPE_CHECKING:
    import warnings
    from collections.abc import Callable, Generator, Iterator, Mapping

    from pytest_replay.items import Asked
    from pytest_replay.session import Session, Verdict

_RUN: pytest.StashKey[Run] = pytest.StashKey()
_SETTINGS: pytest.StashKey[Settings] = pytest.StashKey()
"""What ini says; the rest is laid over it for each test."""
_TALLY: pytest.StashKey[Tally] = pytest.StashKey()
_TAPED: pytest.StashKey[set[Any]] = pytest.StashKey()
"""Fixture definitions of wider scope that a marked test uses."""
_VERDICTS: pytest.StashKey[list[Verdict]] = pytest.StashKey()
"""Of sessions that were closed since the last report."""
_BESIDES: pytest.StashKey[list[str]] = pytest.StashKey()
"""What the next report has to tell besides its own error."""
_WRONG: pytest.StashKey[str] = pytest.StashKey()
"""What is wrong with the marks of a test, where the run could not be stopped for it."""
_REPORTS: pytest.StashKey[Reports] = pytest.StashKey()
"""Absent where nobody asks for any."""
_ATTEMPT: pytest.StashKey[_Attempt] = pytest.StashKey()
_BEGAN: pytest.StashKey[tuple[float, float]] = pytest.StashKey()
"""When the phase of a test began that is running, in real time."""

_MASKING: pytest.StashKey[Masking] = pytest.StashKey()
"""What took the secrets out of the last report."""

_IDENTITY = frozenset(
    {"duration", "keywords", "location", "nodeid", "outcome", "replay_counts", "start", "stop", "when"}
)
"""What a report tells besides what happened; no secret is looked for there."""
_SESSION_FIXTURE = "_replay_session"
_CLOCK_FIXTURE = "_replay_clock"
_CONFIG_FIXTURE = "replay_config"
_NOTHING: Mapping[str, Any] = {}
_SCOPES = ("function", "class", "module", "package", "session")


class _Attempt:
    """One attempt of one marked test: its session, and how it has gone so far."""

    def __init__(self, session: Session, *, owner: Literal["test", "fixture"] = "test") -> None:
        self.session = session
        self.owner: Literal["test", "fixture"] = owner
        self.passed = True
        self.left_by_fixtures = 0
        """How many atexit callbacks its fixtures registered before it ran."""
        self.running = False
        """Whether the test's own function is running; reports that come meanwhile are of its subtests."""
        self.strangers: list[str] = []
        """Where the threads were that are older than its clock, before it was torn down: a line each."""
        self._told: set[int] = set()

    def fail(self, error: BaseException) -> None:
        """Note that the test has failed with an error."""
        self.passed = False
        self.tell(error)

    def watch(self, finalizer: Callable[[], object]) -> None:
        """Run a finalizer, and note if it fails."""
        try:
            finalizer()
        except BaseException as error:
            self.fail(error)
            raise

    def tell(self, error: BaseException | None) -> None:
        """Note that the test has been failed for an error, and so for what is behind it."""
        while error is not None and id(error) not in self._told:
            self._told.add(id(error))
            for inner in getattr(error, "exceptions", ()):
                self.tell(inner)
            error = error.__cause__ or error.__context__

    def untold(self) -> list[ReplayFailure]:
        """Take the failures that the test has not been failed for yet."""
        found = [failure for failure in self.session.failures if id(failure) not in self._told]
        self._told.update(map(id, found))
        return found


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("replay", "record and replay of HTTP traffic")
    group.addoption(
        "--record",
        action="store_true",
        help="record every selected replay test afresh (mode all); a cassette is replaced only if its test passes",
    )
    group.addoption(
        "--replay-mode",
        choices=[str(mode) for mode in Mode],
        default=None,
        help="none replays (the default), once records where there is no cassette, new_episodes adds, all is --record",
    )
    group.addoption(
        OPTION,
        action="append",
        default=[],
        metavar="FILE",
        help="write a report of what was replayed and recorded: a page (FILE.html), or data (FILE.json)",
    )
    for name in sorted(NAMES):
        kind: Literal["linelist", "string"] = "linelist" if name in LISTS else "string"
        parser.addini(f"replay_{name}", f"{name} of @pytest.mark.replay", type=kind, default=None)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    _refuse_namesake()
    config.addinivalue_line(
        "markers",
        f"{MARKER}(name=None, faults=None, **settings): record the test's traffic once, replay it ever after; with "
        "faults on a tape that another test has recorded",
    )
    mode = config.option.replay_mode
    if config.option.record and mode not in {None, "all"}:
        raise pytest.UsageError(f"--record is --replay-mode=all, and can't go with --replay-mode={mode}")
    config.stash[_RUN] = Run(config.rootpath, tell=lambda late: _masked(config, str(late)))
    config.stash[_SETTINGS] = _settings_of_ini(config)
    config.stash[_TALLY] = Tally()
    config.pluginmanager.register(_Reporter(config, config.stash[_TALLY]), "replay_reporter")
    config.pluginmanager.register(_Painter(), "replay_painter")
    _prepare_reports(config)
    config.stash[_TAPED] = set()
    config.stash[_VERDICTS] = []
    config.stash[_BESIDES] = []


def pytest_unconfigure(config: pytest.Config) -> None:
    run = config.stash.get(_RUN, None)
    if run is not None:
        run.end()


def pytest_report_header(config: pytest.Config) -> str:
    return header_line(_settled(config))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    right: list[pytest.Item] = []
    wrong: dict[pytest.Item, str] = {}
    for item in items:
        try:
            asked = asked_by(item)
            if asked is None:
                continue
            _prepare(config, asked)
        except ReplayError as error:
            wrong[item] = str(error)
            continue
        right.append(item)
        names = getattr(item, "fixturenames", None)
        if names is not None and _SESSION_FIXTURE not in names:
            names.insert(0, _SESSION_FIXTURE)
        closure = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
        config.stash[_TAPED].update(fixturedef for found in closure.values() for fixturedef in found)
        if names is not None and _CLOCK_FIXTURE not in names:
            own = (at for at, name in enumerate(names) if name in closure and _is_own(closure[name][-1]))
            names.insert(next(own, len(names)), _CLOCK_FIXTURE)
    wrong.update(find_collisions(right))
    _note_items(config, right)
    if hasattr(config, "workerinput"):
        recorded = [item for item in right if _settled(config, asked=asked_by(item)).mode is not Mode.NONE]
        wrong.update(find_parted(recorded))
    if wrong and not hasattr(config, "workerinput"):
        told: dict[str, str] = {}
        for item, problem in wrong.items():
            told.setdefault(problem, item.nodeid)
        raise pytest.UsageError("\n".join(f"{test}: {problem}" for problem, test in told.items()))
    for item, problem in wrong.items():  # a worker of pytest-xdist that stops here is taken for a crashed one
        item.stash[_WRONG] = problem


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes a `fault` once for each of its marker's."""
    if FAULT not in metafunc.fixturenames or FAULT in getattr(metafunc, "_arg2fixturedefs", {}):
        return
    try:
        asked = asked_by(metafunc.definition)
        if asked is not None and asked.faults:
            ids = [_injecting().label_of(fault) for fault in asked.faults]
            metafunc.parametrize(FAULT, asked.faults, ids=ids)
    except SettingsError as error:
        raise pytest.Collector.CollectError(str(error)) from None


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name what `pytest_replay.faults` makes, wherever it is a parameter."""
    kinds = (faults.Fault, faults.On, faults.Always)
    if not isinstance(val, kinds):
        return None
    try:
        label: str = _injecting().label_of(val)
    except SettingsError as error:
        raise pytest.Collector.CollectError(str(error)) from None
    return label


def _injecting() -> Any:
    from pytest_replay.adapters import injecting  # noqa: PLC0415  # a run without faults does without

    return injecting


def _prepare(config: pytest.Config, asked: Asked) -> None:
    """Load what a test needs. Raises SettingsError for marks that can't be met."""
    config.stash[_RUN].prepare(_settled(config, asked=asked))
    for fault in asked.faults or ():
        _injecting().make_armed(fault)


@pytest.fixture(scope="session")
def replay_config() -> Mapping[str, Any]:
    """Settings of replay tests, as a dict; override it with a fixture of any scope."""
    return {}


@pytest.fixture
def _replay_session(request: pytest.FixtureRequest, replay_config: Mapping[str, Any]) -> None:
    """Open the test's session before any other fixture is set up, with what `replay_config` says."""
    asked = asked_by(request.node)
    if asked is not None:
        _open(request.node, asked, replay_config)


@pytest.fixture
def _replay_clock(request: pytest.FixtureRequest) -> None:
    """Start the test's clock before its own fixtures are set up; those of wider scope live on times of their own."""
    attempt = request.node.stash.get(_ATTEMPT, None)
    if attempt is not None:
        with _clean_failures():
            request.config.stash[_RUN].start(attempt.session)


@pytest.fixture
def replay(request: pytest.FixtureRequest) -> Replay:
    """Tell what the test sent: `replay.calls(method="GET")`, `replay.transport(inner)`, `replay.recording`."""
    attempt = request.node.stash.get(_ATTEMPT, None)
    if attempt is None:
        pytest.fail(
            "the replay fixture is for marked tests: put @pytest.mark.replay on this one", pytrace=False
        )
    return Replay(request.config.stash[_RUN], attempt.session)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    if _WRONG in item.stash:
        pytest.fail(item.stash[_WRONG], pytrace=False)
    item.stash[_BEGAN] = time.time(), time.perf_counter()
    if _ATTEMPT in item.stash:  # of an attempt before this one
        del item.stash[_ATTEMPT]
    if not hasattr(item, "fixturenames"):
        asked = asked_by(item)
        if asked is not None:
            _open(item, asked, {})
            with _clean_failures():
                item.config.stash[_RUN].start(item.stash[_ATTEMPT].session)
    elif _SESSION_FIXTURE in item.fixturenames:
        _forget_session_fixtures(item)
    return (yield)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    attempt = item.stash.get(_ATTEMPT, None)
    if attempt is None:
        return (yield)
    _note_real_time(item, attempt)
    attempt.left_by_fixtures = item.config.stash[_RUN].exit_callbacks(attempt.session)
    attempt.running = True
    item.config.stash[_RUN].seed(attempt.session)
    function = getattr(item, "obj", None)
    if function is not None:
        item.obj = raced(function, attempt.session)  # type: ignore[attr-defined]
    try:
        result = yield
    except BaseException as error:
        if not _was_ended(error, attempt.session):
            raise
        raise _failure_of(attempt.session, error) from None
    finally:
        attempt.running = False
        if function is not None:
            item.obj = function  # type: ignore[attr-defined]
    _fail_for(attempt.untold())
    return result


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    attempt = pyfuncitem.stash.get(_ATTEMPT, None)
    if attempt is not None:  # once more: pytest-randomly seeds as the test is called
        pyfuncitem.config.stash[_RUN].seed(attempt.session)
    return (yield)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    attempt = item.stash.get(_ATTEMPT, None)
    if attempt is None:
        return (yield)
    _note_real_time(item, attempt)
    # What it is failed for at its end is known when the clock has stopped, and wider fixtures have ended their threads.
    attempt.strangers = item.config.stash[_RUN].strangers(attempt.session)
    with _closing(item, attempt):
        try:  # what the test itself left to the exit may need the fixtures that it was given
            item.config.stash[_RUN].drain(attempt.session, but=attempt.left_by_fixtures)
        finally:
            result = yield
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    attempt = item.stash.get(_ATTEMPT, None)
    if attempt is not None:
        _tell_real_time(item, call, attempt)
    with _collected() if attempt is not None and call.excinfo is not None else nullcontext():
        report = yield
    if attempt is not None:
        skipped = report.skipped and not hasattr(report, "wasxfail") and not attempt.running
        heard = attempt.session.records and attempt.session.calls  # a test may be skipped for what it heard
        if report.failed or (skipped and not heard):
            attempt.passed = False
        attempt.tell(call.excinfo.value if call.excinfo is not None else None)
        if report.failed:
            report.sections += [*_strangers(item, call, attempt), *_injected(attempt.session)]
    if report.failed and call.excinfo is not None and (told := _told_of(call.excinfo.value)) is not None:
        setattr(report, TOLD, told)
    if report.when == "teardown":
        verdicts, besides = item.config.stash[_VERDICTS], item.config.stash[_BESIDES]
        vars(report).update(replay_counts=counted(verdicts))
        report.sections += [("replay", text) for text in besides]
        verdicts.clear()
        besides.clear()
        reports = item.config.stash.get(_REPORTS, None)
        if reports is not None:
            marked = next(item.iter_markers(MARKER), None) is not None
            reports.gathering.attach(report, marked=marked)
        if attempt is not None:  # items live as long as the run, and tapes may be large
            del item.stash[_ATTEMPT]
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, Any, Any]:
    config = request.config
    wide = request.scope != "function" and fixturedef.argname != _CONFIG_FIXTURE
    taped = fixturedef in config.stash[_TAPED] or innermost() is not None
    if not (wide and taped and may_have_traffic(fixturedef)):
        try:
            return (yield)
        except BaseException as error:
            session = innermost()
            if session is None or not _was_ended(error, session):
                raise
            failure = _failure_of(session, error)
            # What pytest itself would keep, and asserts to be there, after any other error.
            key = fixturedef.cache_key(cast("Any", request))
            fixturedef.cached_result = (None, key, (failure, failure.__traceback__))
            raise failure from None
    run = config.stash[_RUN]
    finalizers = fixturedef._finalizers  # noqa: SLF001  # nothing else tells how its teardown went
    try:
        attempt = _open_fixture(fixturedef, request)
    except pytest.fail.Exception:
        finalizers.clear()  # where there are some, pytest 9.1 asserts that the fixture has been set up
        raise
    session = attempt.session
    fixturedef.addfinalizer(lambda: _close_fixture(request.node, attempt))
    others = len(finalizers)
    try:
        value = yield
    except BaseException as error:
        attempt.fail(error)
        raise
    finally:
        run.leave(session)
        finalizers[others:] = [partial(attempt.watch, finalizer) for finalizer in finalizers[others:]]
        fixturedef.addfinalizer(lambda: run.enter(session))
    _fail_for(attempt.untold())
    return value


def _note_items(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Have the reports know of the marked tests that were collected."""
    reports = config.stash.get(_REPORTS, None)
    if reports is None:
        return
    for item in items:
        reports.note_item(item, _settled(config, asked=asked_by(item)))


def _note_real_time(item: pytest.Item, attempt: _Attempt) -> None:
    """Note when a phase of a test begins, in real time."""
    now = item.config.stash[_RUN].real_time(attempt.session)
    if now is not None:
        item.stash[_BEGAN] = now


def _tell_real_time(item: pytest.Item, call: pytest.CallInfo[None], attempt: _Attempt) -> None:
    """Have a report tell how long it really took: pytest has measured it on the clock of the test."""
    ended = item.config.stash[_RUN].real_time(attempt.session)
    if ended is not None:
        began = item.stash[_BEGAN]
        call.start, call.stop, call.duration = began[0], ended[0], ended[1] - began[1]


def _strangers(
    item: pytest.Item, call: pytest.CallInfo[None], attempt: _Attempt
) -> Iterator[tuple[str, str]]:
    """Tell of threads that the clock didn't wait for: the test may have. A stall has told of them itself."""
    threads = item.config.stash[_RUN].strangers(attempt.session) or attempt.strangers
    errors = (*attempt.session.failures, call.excinfo and call.excinfo.value)
    if threads and not any(isinstance(error, StalledError) for error in errors):
        told = ["threads that are older than the clock of this test, and are in real time:"]
        told += [f"  {thread}" for thread in threads]
        told.append("if it waits for one of them, say so: with replay.clock.hold(): ...")
        yield ("replay", "\n".join(told))


def _injected(session: Session) -> Iterator[tuple[str, str]]:
    """Tell of the faults that a test has met, and of whose tape it plays."""
    met = [
        f"  {call.injected} for {route_of(call.request)}"
        for call in session.calls
        if call.injected is not None
    ]
    if session.injections.armed:
        told = ["faults that were injected into this test:", *(met or ["  none has met a call"])]
        told.append(f"it never records: its cassette, {session.name}, is that of a test without faults")
        yield ("replay", "\n".join(told))


def _masking(config: pytest.Config) -> Masking | None:
    """Make what takes secrets out of texts; None where no marked test has run, so that nothing is known."""
    run = config.stash[_RUN]
    if not run.has_opened:
        return None
    secrets, masking = run.secrets(), config.stash.get(_MASKING, None)
    if masking is None or masking.secrets != secrets:
        masking = config.stash[_MASKING] = Masking(secrets)
    return masking


def _masked(config: pytest.Config, text: str) -> str:
    masking = _masking(config)
    return text if masking is None else masking.masked(text)


def _was_ended(error: BaseException, session: Session) -> bool:
    """Tell whether this is a cancellation, asyncio's or that of concurrent.futures, for a failure of the session."""
    return bool(session.failures) and type(error).__name__ == "CancelledError"


def _failure_of(session: Session, error: BaseException) -> BaseException:
    return raisable(session.failures[0]).with_traceback(error.__traceback__)


@contextmanager
def _collected() -> Iterator[None]:
    """Collect garbage before, not while pytest reads a test's source for its report.

    Futures of connections that were ended log their exceptions as they are collected, which reads sources too; and
    before Python 3.11.8 and 3.12.2 one in the other breaks the run (python/cpython#106905).
    """
    gc.collect()
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_assertrepr_compare(left: object, right: object) -> Generator[None, Any, list[list[str]]]:
    """Show what was sent as a table where something that is told of it is not as expected."""
    explanations: list[list[str]] = [told for told in (yield) if told]
    table = _table_of(left, right)
    if table and explanations:
        (first, *rest), *others = explanations
        return [[first, "", *table, "", *rest], *others]
    return explanations


def _table_of(*values: object) -> list[str]:
    series = sys.modules.get("pytest_replay.adapters.series")
    found: list[str] = series.table_of(*values) if series is not None else []
    return found


class _Reporter:
    """Adds up what the reports of all processes carry, and takes the secrets out of those that are made in this one."""

    def __init__(self, config: pytest.Config, tally: Tally) -> None:
        self._config = config
        self._tally = tally

    @pytest.hookimpl(tryfirst=True)  # before whoever writes it down, or sends it to another process
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._tally.add(getattr(report, "replay_counts", {}))
        told = {
            name: value
            for name, value in vars(report).items()
            if name == "longrepr" or (isinstance(value, str | list | tuple | dict) and name not in _IDENTITY)
            if value
        }
        if told and (masking := _masking(self._config)) is not None:
            vars(report).update({name: masking.mask(value) for name, value in told.items()})
            report.user_properties = [(name, masking.told(value)) for name, value in report.user_properties]

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage) -> None:
        masking, message = _masking(self._config), warning_message.message
        if masking is not None and isinstance(message, Warning):
            message.args = masking.mask(message.args)


class _Painter:
    """Has failures of this package written in colours, where pytest writes any."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> Generator[None, None, None]:
        stats = terminalreporter.stats
        failed = [*stats.get("failed", ()), *stats.get("error", ())] if terminalreporter.hasmarkup else []
        with coloured(failed):
            yield


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    tally = config.stash[_TALLY]
    tally.late += config.stash[_RUN].late
    tally.flowed += config.stash[_RUN].flowed
    tally.suspects += config.stash[_RUN].suspects
    last_failed = config.pluginmanager.hasplugin("cacheprovider")
    for line in tally.lines(_settled(config).mode, last_failed=last_failed):
        terminalreporter.write_line(_masked(config, line))
    for line in config.stash[_REPORTS].lines if _REPORTS in config.stash else ():
        terminalreporter.write_line(line)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what came late in a worker of pytest-xdist, and what waited for something real."""
    output, tally = getattr(node, "workeroutput", {}), node.config.stash[_TALLY]
    tally.late += output.get("replay_late", ())
    tally.flowed += output.get("replay_flowed", ())
    tally.suspects += output.get("replay_suspects", ())
    if "replay_shelf" in output:
        node.config.stash[_REPORTS].collector.shelve(output["replay_shelf"])


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    config = session.config
    run, reports = config.stash[_RUN], config.stash.get(_REPORTS, None)
    run.stop_clock()
    output = getattr(config, "workeroutput", None)
    if output is not None:
        output["replay_late"], output["replay_flowed"] = (
            run.late,
            run.flowed,
        )  # late ones come until it is sent
        output["replay_suspects"] = run.suspects
        if reports is not None:
            output["replay_shelf"] = reports.gathering.shelf()
    elif reports is not None and not config.option.collectonly:
        _finish_reports(session, reports)


def _prepare_reports(config: pytest.Config) -> None:
    """See which reports are asked for. Raises UsageError for one that can't be written."""
    try:
        targets = read_targets(config.option.replay_report, folder=config.invocation_params.dir)
    except ReplayError as error:
        raise pytest.UsageError(str(error)) from error
    if not targets and config.getoption("xmlpath", None) is None:
        return
    reports = Reports(config.stash[_RUN], _settled(config), targets)
    config.stash[_REPORTS] = reports
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(reports.collector, "replay_collector")


def _finish_reports(session: pytest.Session, reports: Reports) -> None:
    """Have the reports of a run written that is over, and JUnit XML tell what the terminal does."""
    config, option = session.config, session.config.option
    run, tally = config.stash[_RUN], config.stash[_TALLY]
    tally = replace(
        tally,
        late=[*tally.late, *run.late],
        flowed=[*tally.flowed, *run.flowed],
        suspects=[*tally.suspects, *run.suspects],
    )
    last_failed = config.pluginmanager.hasplugin("cacheprovider")
    summary = list(tally.lines(_settled(config).mode, last_failed=last_failed))
    xml = config.stash.get(xml_key, None)
    if xml is not None:
        for line in summary:
            xml.add_global_property("replay", line.removeprefix("replay: ").strip())
    parts = any(getattr(option, name, None) for name in ("lf", "ignore", "ignore_glob", "pyargs"))
    whole = config.args_source is not pytest.Config.ArgsSource.ARGS and not parts
    if not reports.finish(summary, own=not config.pluginmanager.hasplugin("dsession"), whole=whole):
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR


def _refuse_namesake() -> None:
    try:
        distribution("pytest-replay")
    except PackageNotFoundError:
        return
    msg = (
        "the distribution pytest-replay is installed beside pytest-replay-cassettes. Both bring a package "
        "pytest_replay, so one has overwritten the other.\n"
        "  pip uninstall pytest-replay pytest-replay-cassettes, then install the one that you want"
    )
    raise pytest.UsageError(msg)


def _settled(config: pytest.Config, *, asked: Asked | None = None, said: Any = _NOTHING) -> Settings:
    """Lay ini, `replay_config`, the marks and the command line over each other. Raises SettingsError."""
    layers: list[tuple[Any, str]] = [(said, f"the fixture {_CONFIG_FIXTURE}")]
    layers += [(layer, f"@pytest.mark.{MARKER}") for layer in (asked.layers if asked is not None else ())]
    mode = "all" if config.option.record else config.option.replay_mode
    layers.append(({} if mode is None else {"mode": mode}, "command line"))
    if asked is not None and asked.faults is not None:
        layers.append(({"mode": "none"}, "faults"))  # what went wrong on purpose is on no tape
    settings = config.stash[_SETTINGS]
    for values, source in layers:
        if values != {}:
            settings = _laid(config, settings, values, source)
    return settings


def _settings_of_ini(config: pytest.Config) -> Settings:
    """Read the ini values. Raises UsageError, which tells all that is wrong."""
    settings, wrong = Settings(), []
    for name in sorted(NAMES):
        value = config.getini(f"replay_{name}")
        try:
            settings = _laid(config, settings, {name: value} if value else {}, "ini")
        except SettingsError as error:
            wrong.append(str(error))
    if wrong:
        raise pytest.UsageError("\n".join(wrong))
    return settings


def _laid(config: pytest.Config, settings: Settings, values: Any, source: str) -> Settings:
    """Lay what one source says over settings. Raises SettingsError, which names the source."""
    if not isinstance(values, dict):
        raise SettingsError(f"{source}: settings are a dict, not {values!r}")
    settings = settings.updated(values, source=source)
    try:
        config.stash[_RUN].check(settings)
    except SettingsError as error:
        raise SettingsError(f"{source}: {error}") from error
    return settings


def _forget_session_fixtures(item: Any) -> None:
    """Have the session opened anew, and its clock started, though pytest may think that they are.

    Pytest forgets to tear down fixtures where a teardown before theirs raised a group of failures.
    """
    for name in (_CLOCK_FIXTURE, _SESSION_FIXTURE):
        for fixturedef in item.session._fixturemanager.getfixturedefs(name, item):  # noqa: SLF001
            fixturedef.finish(item._request)  # noqa: SLF001


def _is_own(fixturedef: pytest.FixtureDef[Any]) -> bool:
    """Tell whether a fixture is set up for each test."""
    return fixturedef.scope == "function" and fixturedef.argname != _CONFIG_FIXTURE


def _open(item: pytest.Item, asked: Asked, said: Mapping[str, Any]) -> None:
    with _clean_failures():
        settings = _settled(item.config, asked=asked, said=said)
        name = name_of_item(item, asked=asked, folder=settings.dir, root=item.config.rootpath)
        session = item.config.stash[_RUN].open(
            test=item.nodeid,
            name=name,
            settings=settings,
            shareable=asked.name is not None,
            timed=False,
        )
        item.stash[_ATTEMPT] = _Attempt(session)
        one = getattr(item, "callspec", None) and item.callspec.params.get(FAULT)  # type: ignore[attr-defined]
        given = asked.faults or ()
        for fault in [it for it in given if it is one] or given:
            session.inject(_injecting().make_armed(fault, decoders=load_decoders(settings.decoders)))


def _close(node: pytest.Item | pytest.Collector, attempt: _Attempt) -> list[ReplayFailure]:
    """Close the session of a test or a fixture; what it still has to be failed for."""
    run = node.config.stash[_RUN]
    run.leave(attempt.session)
    verdict = None
    try:
        with _clean_failures():
            verdict = run.close(attempt.session, passed=attempt.passed and not attempt.session.failures)
    finally:
        _gather(node, attempt, verdict)
    node.config.stash[_VERDICTS].append(verdict)
    if verdict.warning is not None:
        node.warn(pytest.PytestWarning(str(verdict.warning)))
    return attempt.untold() + ([verdict.failure] if verdict.failure is not None else [])


def _gather(node: pytest.Item | pytest.Collector, attempt: _Attempt, verdict: Verdict | None) -> None:
    """Have the reports tell of a session that is over, if anybody has asked for any."""
    reports = node.config.stash.get(_REPORTS, None)
    if reports is not None:
        left = [] if verdict is None or verdict.failure is None else [verdict.failure]
        failures = [*attempt.session.failures, *left]
        reports.gathering.note(attempt.session, verdict, owner=attempt.owner, failures=failures)


def _open_fixture(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> _Attempt:
    root = request.config.rootpath
    with _clean_failures():
        settings = _settled(request.config, asked=asked_by(request.node), said=_config_for(request))
        name = name_of_fixture(fixturedef, request, folder=settings.dir, root=root)
        test = request.node.nodeid or fixturedef.baseid or "."  # all that a command line can name of it
        session = request.config.stash[_RUN].open(test=test, name=name, settings=settings)
    return _Attempt(session, owner="fixture")


@contextmanager
def _closing(node: pytest.Item | pytest.Collector, attempt: _Attempt) -> Iterator[None]:
    """Close a session behind what is torn down inside, and fail for what nobody has been failed for."""
    try:
        try:
            yield
        finally:
            node.config.stash[_RUN].drain(attempt.session)
    except BaseException as error:
        attempt.fail(error)
        node.config.stash[_BESIDES] += map(str, _close(node, attempt))
        raise
    _fail_for(_close(node, attempt))


def _close_fixture(node: pytest.Item | pytest.Collector, attempt: _Attempt) -> None:
    with _closing(node, attempt):
        pass  # what it tears down has been: it was a finalizer before this one


def _config_for(request: pytest.FixtureRequest) -> Mapping[str, Any]:
    """Ask `replay_config` on behalf of a fixture of wider scope, if it is at least as wide itself."""
    test = request._pyfuncitem  # noqa: SLF001  # no public way to ask what it would get without asking for it
    found = test.session._fixturemanager.getfixturedefs(_CONFIG_FIXTURE, test)  # noqa: SLF001
    if not found or _SCOPES.index(found[-1].scope) < _SCOPES.index(request.scope):
        return {}
    said: Mapping[str, Any] = request.getfixturevalue(_CONFIG_FIXTURE)
    return said


def _fail_for(failures: list[ReplayFailure]) -> None:
    if failures:
        raise _failed("\n\n".join(map(str, failures)))


@contextmanager
def _clean_failures() -> Iterator[None]:
    """Fail the test with what the user can mend, without a traceback of this package."""
    try:
        yield
    except ReplayError as error:
        raise _failed(str(error)) from None


def _failed(text: str) -> BaseException:
    """Make what fails a test with a text of this package, without a traceback of it."""
    error = pytest.fail.Exception(text, pytrace=False)
    setattr(error, TOLD, text)
    return error


def _told_of(error: BaseException) -> str | None:
    """Find the text of this package that a test has failed with."""
    return str(error) if isinstance(error, ReplayFailure) else getattr(error, TOLD, None)
