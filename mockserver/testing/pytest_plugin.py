"""The pytest plugin: the fixture `mockserver`, its marker and options, and the requests in the report of a failed test.

pytest loads it in every run, so it imports nothing of the server before a test uses the fixture.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NoReturn

import pytest

import mockserver
from mockserver.testing.pytest_servers import Servers, setting

OPTIONS: Final = {
    "url": ("=URL", "Use the running server at this URL instead of one in this process."),
    "run": ("=NAME", "With a URL: the names of all sandboxes begin with it, and coverage is that of this run alone."),
    "coverage": (
        "[=html:FILE,junit:FILE]",
        "Show which outcomes of the contract were met, and write reports to files.",
    ),
    "coverage-fail-under": ("=PERCENT", "Fail the run if less than this share of the documented outcomes was met."),
    "coverage-require": (
        "=NAMES",
        "Fail the run unless each of these was met: codes or ids of outcomes, separated by commas.",
    ),
    "fail-unexpected": (
        "",
        "Fail the run on an unexpected answer: misuse, assumed, default, or forced for a malformed request.",
    ),
    "artefacts": ("=DIR", "At the end write journal.har, unexpected.txt and coverage.html into this folder."),
    "language": ("=en|es", "The language of HTML pages."),
    "shared": ("", "Start one server for all workers of pytest-xdist instead of one for each."),
}
"""Command-line options by name, without `--mockserver-`: the form of the value and the help text."""

INI_SETTINGS: Final = {
    "contract": ("string", "The folder of a contract to serve instead of the shipped one."),
    "overlay": ("paths", "Folders laid over the contract, in this order."),
    "clock": ("string", "Freeze the clock of every test at this RFC 3339 instant."),
    "seed": ("string", "The seed of generated ids."),
    "vary": ("string", "Vary the answers in every test, as the option --vary of the server does."),
    "coverage_require": ("string", "As --mockserver-coverage-require."),
    "fail_unexpected": ("bool", "As --mockserver-fail-unexpected."),
    "artefacts": ("string", "As --mockserver-artefacts."),
    "language": ("string", "As --mockserver-language."),
    "url": ("string", "As --mockserver-url."),
    "shared": ("bool", "As --mockserver-shared."),
    "cacert": ("string", "Trust the certificates in this PEM file, if the URL begins with https."),
}
"""Settings of the ini file by name, without `mockserver_`: the type and the help text."""

MARKER_HELP: Final = (
    "mockserver(contract=None, overlay=(), clock=None, seed=None, **settings): the server of a test. With a contract "
    "or an overlay it is a server of its own; the other arguments are set in the sandbox of the test."
)

WITHOUT_TESTS: Final = ("collectonly", "showfixtures", "show_fixtures_per_test", "setupplan", "cacheshow")
"""Options of pytest with which it runs no test, so that there is no coverage to judge."""

SERVERS: Final = pytest.StashKey[Servers]()
REPORT: Final = pytest.StashKey[Any]()
"""The report at the end of the run; its class is imported only if one is wanted."""
MOCK: Final = pytest.StashKey["mockserver.Mock"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare options and settings."""
    group = parser.getgroup("mockserver", "a mock server for every test")
    group.addoption("--mockserver-url", metavar="URL", help=OPTIONS["url"][1])
    group.addoption("--mockserver-run", metavar="NAME", help=OPTIONS["run"][1])
    group.addoption(
        "--mockserver-coverage",
        metavar="html:FILE,junit:FILE",
        nargs="?",
        const={},
        type=_files,
        help=OPTIONS["coverage"][1],
    )
    group.addoption(
        "--mockserver-coverage-fail-under", metavar="PERCENT", type=_percentage, help=OPTIONS["coverage-fail-under"][1]
    )
    group.addoption(
        "--mockserver-coverage-require", metavar="NAMES", type=_not_empty, help=OPTIONS["coverage-require"][1]
    )
    group.addoption("--mockserver-fail-unexpected", action="store_true", help=OPTIONS["fail-unexpected"][1])
    group.addoption("--mockserver-artefacts", metavar="DIR", type=_not_empty, help=OPTIONS["artefacts"][1])
    group.addoption("--mockserver-language", metavar="en|es", help=OPTIONS["language"][1])
    group.addoption("--mockserver-shared", action="store_true", help=OPTIONS["shared"][1])
    for name, (kind, text) in INI_SETTINGS.items():
        parser.addini(f"mockserver_{name}", text, kind, {"string": "", "paths": [], "bool": False}[kind])  # type: ignore[arg-type]


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, and check the configuration. Raises `pytest.UsageError`."""
    config.addinivalue_line("markers", MARKER_HELP)
    _refuse_other_package(config)
    servers = config.stash[SERVERS] = Servers(config)
    runs_tests = not any(config.getoption(name, False) for name in WITHOUT_TESTS)
    if runs_tests and _wants_report(config):
        from mockserver.testing.pytest_report import ReportOptions, RunReport

        report = config.stash[REPORT] = RunReport(config, servers.coverage, ReportOptions.of(config))
        config.pluginmanager.register(report, "mockserver_report")


def _wants_report(config: pytest.Config) -> bool:
    """Whether there is anything to show, to write or to judge at the end of the run."""
    names = ("mockserver_coverage", "mockserver_coverage_fail_under")
    is_given = any(config.getoption(name) is not None for name in names)
    return is_given or any(setting(config, name) for name in ("coverage_require", "fail_unexpected", "artefacts"))


def _refuse_other_package(config: pytest.Config) -> None:
    """Refuse a project whose own package `mockserver` cannot be imported beside ours. Raises `pytest.UsageError`."""
    ours = Path(mockserver.__file__).parent
    for folder in (config.rootpath, config.rootpath / "src"):
        own = folder / "mockserver"
        if (own / "__init__.py").exists() and not own.samefile(ours):
            if (own / "testing" / "pytest_plugin.py").exists():
                raise pytest.UsageError(
                    f"{folder} is a copy of the mock itself, which is installed as {ours}: keep your tests in a folder "
                    "outside of it, or install that copy with pip install -e"
                )
            raise pytest.UsageError(
                f"the package {own} has the name of the package of the pytest plugin, {ours}, and only one of them "
                "can be imported; rename it, or turn off the plugin with -p no:mockserver"
            )


def _percentage(text: str) -> float:
    """A number of 0 to 100. Raises `argparse.ArgumentTypeError`."""
    try:
        percent = float(text)
    except ValueError:
        percent = math.nan
    if not 0 <= percent <= 100:
        raise argparse.ArgumentTypeError(f"expected a percentage of 0 to 100, got {text!r}")
    return percent


def _not_empty(text: str) -> str:
    """A value that is not empty, as that of an unset variable is. Raises `argparse.ArgumentTypeError`."""
    if not text.strip():
        raise argparse.ArgumentTypeError("expected a value, got an empty one")
    return text


def _files(text: str) -> dict[str, str]:
    """The files of coverage reports by format. Raises `argparse.ArgumentTypeError`."""
    files = {}
    for part in text.split(","):
        form, _, name = part.partition(":")
        if form not in ("html", "junit") or not name:
            raise argparse.ArgumentTypeError(f"expected html:FILE, junit:FILE or both with a comma, got {text!r}")
        files[form] = name
    return files


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what was started."""
    servers = config.stash.get(SERVERS, None)
    if servers is not None:
        servers.close()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Start the server that the workers of pytest-xdist share, and send its URL to a worker."""
    servers = node.config.stash[SERVERS]
    if servers.share:
        node.workerinput["mockserver_shared"] = servers.default().url
        node.workerinput["mockserver_each"] = node.config.getoption("dist") == "each"


# -- the fixture --------------------------------------------------------------------------------------


@pytest.fixture(name="mockserver")
def mockserver_fixture(request: pytest.FixtureRequest) -> Iterator[mockserver.Mock]:
    """A mock server for this test: a fresh sandbox, removed after the test; `.url` is its base URL."""
    item = request.node
    servers = item.config.stash[SERVERS]
    with _fresh_sandbox(item.config, servers.sandbox_name(item), _marker_arguments(item), item.nodeid) as mock:
        item.stash[MOCK] = mock
        yield mock


@pytest.fixture(scope="session")
def mockserver_session(request: pytest.FixtureRequest) -> Iterator[mockserver.Mock]:
    """A mock server with one sandbox for all tests of the run, or of its worker; for fixtures of any scope."""
    config = request.config
    name = config.stash[SERVERS].session_sandbox_name()
    with _fresh_sandbox(config, name, _default_arguments(config), "mockserver_session") as mock:
        yield mock


@contextmanager
def _fresh_sandbox(
    config: pytest.Config, name: str, arguments: Mapping[str, Any], test: str
) -> Iterator[mockserver.Mock]:
    """A mock of a new sandbox, removed afterwards; `arguments` are those of the marker, `test` is whose it is."""
    servers, report = config.stash[SERVERS], config.stash.get(REPORT, None)
    settings = {**arguments}
    contract, overlays = settings.pop("contract", None), settings.pop("overlay", ())
    clock = settings.pop("clock", None)
    if isinstance(overlays, str | Path):
        overlays = (overlays,)
    try:
        server = servers.for_marker(None if contract is None else str(contract), tuple(map(str, overlays)))
        mock = server.in_sandbox(name)
        mock.reset()  # makes the sandbox, so that "no request" can be verified
        if settings:
            mock.settings.put(**settings)
        if clock is not None:
            mock.clock.freeze(clock)
    except (mockserver.ConfigError, mockserver.MockError, ValueError) as error:
        _fail_test(f"{error}{_hint(settings)}")
    yield mock
    try:
        if report is not None:
            report.add_requests(test, mock)
        mock.drop()
    except mockserver.MockError as error:
        _fail_test(str(error))


def _default_arguments(config: pytest.Config) -> dict[str, Any]:
    """The arguments of the marker that the ini file gives to all tests."""
    arguments = {name: config.getini(f"mockserver_{name}") for name in ("clock", "seed", "vary")}
    if arguments["seed"]:
        arguments["seed"] = _number(arguments["seed"])
    return {name: value for name, value in arguments.items() if value != ""}


def _marker_arguments(item: pytest.Item) -> dict[str, Any]:
    """The arguments of the markers of a test, the nearest one first, over those of the ini file."""
    arguments = _default_arguments(item.config)
    for marker in reversed([*item.iter_markers("mockserver")]):
        if marker.args:
            _fail_test(f"the marker mockserver takes keyword arguments, such as contract=..., got {marker.args[0]!r}")
        arguments |= marker.kwargs
    return arguments


def _hint(settings: Iterable[str]) -> str:
    """The argument of the marker that a misspelt one is near to, as a sentence."""
    from mockserver.base.spelling import close_matches

    near = [known for name in settings for known in close_matches(name, ("contract", "overlay", "clock", "seed"))]
    return f" Or did you mean {near[0]}?" if near and near[0] not in settings else ""


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        _fail_test(f"the setting mockserver_seed is a number, got {text!r}")
    return int(text)


def _fail_test(text: str) -> NoReturn:
    """Fail the test with a message and without a traceback."""
    raise pytest.fail.Exception(f"mockserver: {text}", pytrace=False) from None


# -- a failing test -----------------------------------------------------------------------------------


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Add the requests of the mock to the report of a failed test, while its sandbox still exists."""
    outcome: Any = yield
    report: pytest.TestReport = outcome.get_result()
    mock = item.stash.get(MOCK, None) or getattr(item, "funcargs", {}).get("mockserver_session")
    if mock is None or not report.failed or report.when == "teardown":
        return
    from mockserver.testing.history import history

    report.sections.append(("mockserver", history(mock)))
