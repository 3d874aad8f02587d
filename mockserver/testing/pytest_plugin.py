"""The pytest plugin: the fixture `mockserver`, its marker and options, and the requests in the report of a failed test.

pytest loads it in every run, so it imports nothing of the server before a test uses the fixture.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import pytest

import mockserver

if TYPE_CHECKING:
    from mockserver.testing.pytest_coverage import ServerCoverage

OPTIONS: Final = {
    "url": ("=URL", "Use the running server at this URL instead of one in this process."),
    "coverage": (
        "[=html:FILE,junit:FILE]",
        "Show which outcomes of the contract were met, and write reports to files.",
    ),
    "coverage-fail-under": ("=PERCENT", "Fail the run if less than this share of the documented outcomes was met."),
    "shared": ("", "Start one server for all workers of pytest-xdist instead of one for each."),
}
"""Command-line options by name, without `--mockserver-`: the form of the value and the help text."""

INI_SETTINGS: Final = {
    "contract": ("string", "The folder of a contract to serve instead of the shipped one."),
    "overlay": ("paths", "Folders laid over the contract, in this order."),
    "clock": ("string", "Freeze the clock of every test at this RFC 3339 instant."),
    "seed": ("string", "The seed of generated ids."),
    "url": ("string", "As --mockserver-url."),
    "shared": ("bool", "As --mockserver-shared."),
    "cacert": ("string", "Trust the certificates in this PEM file, if the URL begins with https."),
}
"""Settings of the ini file by name, without `mockserver_`: the type and the help text."""

MARKER_HELP: Final = (
    "mockserver(contract=None, overlay=(), clock=None, seed=None, **settings): the server of a test. With a contract "
    "or an overlay it is a server of its own; the other arguments are set in the sandbox of the test."
)

TOKEN_VARIABLE: Final = "MOCKSERVER_ADMIN_TOKEN"  # noqa: S105 - its name
"""The environment variable with the admin token for `--mockserver-url`."""

CACERT_VARIABLE: Final = "MOCKSERVER_CACERT"
"""The environment variable with the file of trusted certificates."""


# -- servers ------------------------------------------------------------------------------------------


class Servers:
    """The servers of one process, each started on first use and stopped at the end of the run."""

    def __init__(self, config: pytest.Config) -> None:
        """Read the configuration; a worker of pytest-xdist gets the URL of a shared server from its controller."""
        worker: Mapping[str, Any] = getattr(config, "workerinput", {})
        self._root = config.rootpath
        self._contract: str = config.getini("mockserver_contract")
        self._overlays = tuple(map(str, config.getini("mockserver_overlay")))
        self._url: str = config.getoption("mockserver_url") or config.getini("mockserver_url")
        cacert: str = config.getini("mockserver_cacert")
        self._cacert = str(config.rootpath / cacert) if cacert else os.environ.get(CACERT_VARIABLE, "")
        self._shared: str = worker.get("mockserver_shared", "")
        self._each_worker: bool = worker.get("mockserver_each", False)  # pytest-xdist runs every test in every worker
        self._worker: str = worker.get("workerid", "")
        self._run_id: str = worker.get("testrunuid", "")[:8] or os.urandom(4).hex()
        self._external: mockserver.Mock | None = None
        self._stack = ExitStack()
        self._started: dict[tuple[str, tuple[str, ...]], mockserver.Mock] = {}
        self.default_clock: str = config.getini("mockserver_clock")
        self.default_seed: str = config.getini("mockserver_seed")
        self.share = bool(config.getoption("mockserver_shared") or config.getini("mockserver_shared")) and not self._url

    def default(self) -> mockserver.Mock:
        """The server of tests without a contract of their own: at the given URL, shared, or of this process."""
        if self._url and self._external is None:
            external = mockserver.Mock(self._url, "", os.environ.get(TOKEN_VARIABLE, ""), self._cacert)
            external.armed()  # fails at once if there is no server, or if it requires another token
            self._external = external
        if self._external is not None:
            return self._external
        if self._shared:
            return mockserver.Mock(self._shared)
        return self._start(self._contract, self._overlays)

    def for_marker(self, contract: str | None, overlays: Iterable[str]) -> mockserver.Mock:
        """The server for the arguments of a marker."""
        if contract is None and not overlays:
            return self.default()
        if contract is not None:
            return self._start(contract, tuple(overlays))
        return self._start(self._contract, (*self._overlays, *overlays))

    def _start(self, contract: str, overlays: tuple[str, ...]) -> mockserver.Mock:
        """The server of a contract in this process, started on first use."""
        key = (contract, overlays)
        if key not in self._started:
            folder = self._root / contract if contract else None
            running = mockserver.running(folder, [self._root / overlay for overlay in overlays])
            self._started[key] = self._stack.enter_context(running)
        return self._started[key]

    def sandbox_name(self, item: pytest.Item) -> str:
        """A name that no other test has at the same time; the same in every run if only this run uses the server.

        Generated ids are derived from the name.
        """
        words = re.sub(r"[^A-Za-z0-9]+", "-", getattr(item, "originalname", None) or item.name).strip("-")[:24]
        digest = hashlib.sha256(item.nodeid.encode("utf-8", "backslashreplace")).hexdigest()[:12]
        parts = [words or "t", digest]
        parts += [self._worker or "main", self._run_id] if self._url else [self._worker] if self._each_worker else []
        return "-".join(parts)

    def coverage(self) -> list[ServerCoverage]:
        """The coverage of the servers of this process, and in the controller that of the server at the given URL."""
        default = (self._contract, self._overlays)
        found: list[ServerCoverage] = []
        for key, mock in self._started.items():
            report = mock.coverage(everywhere=True)
            for row in report["scenarios"]:  # this server stops soon: show the default address
                row["curl"] = row["curl"].replace(mock.url, "http://127.0.0.1:8080")
            found.append({"default": key == default, "report": report})
        if self._url and not self._worker:
            found.append({"default": True, "report": self.default().coverage(everywhere=True)})
        return found

    def close(self) -> None:
        """Stop all servers."""
        self._started.clear()
        self._stack.close()


SERVERS: Final = pytest.StashKey[Servers]()
MOCK: Final = pytest.StashKey["mockserver.Mock"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare options and settings."""
    group = parser.getgroup("mockserver", "a mock server for every test")
    group.addoption("--mockserver-url", metavar="URL", help=OPTIONS["url"][1])
    group.addoption(
        "--mockserver-coverage",
        metavar="html:FILE,junit:FILE",
        nargs="?",
        const={},
        type=_files,
        help=OPTIONS["coverage"][1],
    )
    group.addoption(
        "--mockserver-coverage-fail-under", metavar="PERCENT", type=float, help=OPTIONS["coverage-fail-under"][1]
    )
    group.addoption("--mockserver-shared", action="store_true", help=OPTIONS["shared"][1])
    for name, (kind, text) in INI_SETTINGS.items():
        parser.addini(f"mockserver_{name}", text, kind, {"string": "", "paths": [], "bool": False}[kind])  # type: ignore[arg-type]


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", MARKER_HELP)
    servers = config.stash[SERVERS] = Servers(config)
    files, minimum = config.getoption("mockserver_coverage"), config.getoption("mockserver_coverage_fail_under")
    if files is not None or minimum is not None:
        from mockserver.testing.pytest_coverage import Coverage

        config.pluginmanager.register(Coverage(config, servers.coverage, files or {}, minimum), "mockserver_coverage")


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
    settings = _marker_arguments(item, servers)
    contract, overlays = settings.pop("contract", None), settings.pop("overlay", ())
    clock = settings.pop("clock", None)
    if isinstance(overlays, str | Path):
        overlays = (overlays,)
    try:
        server = servers.for_marker(None if contract is None else str(contract), tuple(map(str, overlays)))
        mock = server.in_sandbox(servers.sandbox_name(item))
        mock.reset()  # makes the sandbox, so that "no request" can be verified
        if settings:
            mock.settings.put(**settings)
        if clock is not None:
            mock.clock.freeze(clock)
    except (mockserver.ConfigError, mockserver.MockError, ValueError) as error:
        _fail_test(f"{error}{_hint(settings)}")
    item.stash[MOCK] = mock
    yield mock
    try:
        mock.drop()
    except mockserver.MockError as error:
        _fail_test(str(error))


def _marker_arguments(item: pytest.Item, servers: Servers) -> dict[str, Any]:
    """The arguments of the markers of a test, the nearest one first, over those of the ini file."""
    arguments: dict[str, Any] = {}
    if servers.default_clock:
        arguments["clock"] = servers.default_clock
    if servers.default_seed:
        arguments["seed"] = _number(servers.default_seed)
    for marker in reversed([*item.iter_markers("mockserver")]):
        if marker.args:
            _fail_test(f"the marker mockserver takes keyword arguments, such as contract=..., got {marker.args[0]!r}")
        arguments |= marker.kwargs
    return arguments


def _hint(settings: Iterable[str]) -> str:
    """The argument of the marker that a misspelt one is near to, as a sentence."""
    from mockserver.core.spelling import close_matches

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
    mock = item.stash.get(MOCK, None)
    if mock is None or not report.failed or report.when == "teardown":
        return
    from mockserver.testing.history import history

    report.sections.append(("mockserver", history(mock)))
