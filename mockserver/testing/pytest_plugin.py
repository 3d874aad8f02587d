"""The pytest plugin: the fixture `mockserver`, its marker and options, and what a failing test shows of the mock.

Knows pytest and is its one home; as it is loaded in every run, it imports nothing of the mock before a test asks.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, NoReturn

import pytest

import mockserver

FLAGS: Final = {
    "url": ("=URL", "Use the server that is up there, instead of one in this process."),
    "coverage": (
        "[=html:FILE,junit:FILE]",
        "Show at the end which outcomes of the contract were met; write it to files.",
    ),
    "coverage-fail-under": ("=PERCENT", "Fail if less of the documented outcomes were met."),
    "shared": ("", "Let the workers of pytest-xdist share one server, instead of having one each."),
}
"""Command-line options by what follows `--mockserver-`: how a value is shown, and what the option does."""

SETTINGS: Final = {
    "contract": ("string", "A contract of your own instead of the shipped one: its folder."),
    "overlay": ("paths", "Folders laid over the contract, one after the other."),
    "clock": ("string", "Freeze the clock of every test at this RFC 3339 instant."),
    "seed": ("string", "Seed of generated ids."),
    "url": ("string", "As --mockserver-url."),
    "shared": ("bool", "As --mockserver-shared."),
    "cacert": ("string", "Trust the certificates in this file, if the server at that URL speaks https."),
}
"""Settings of the ini file by what follows `mockserver_`: the type, and what the setting does."""

MARKER: Final = (
    "mockserver(contract=None, overlay=(), clock=None, seed=None, **settings): the server that a test gets. A contract "
    "or an overlay means one of its own; the others are set in the sandbox of the test."
)

TOKEN_VARIABLE: Final = "MOCKSERVER_ADMIN_TOKEN"  # noqa: S105 - its name
"""The environment variable with the admin token of the server at `--mockserver-url`."""

CACERT_VARIABLE: Final = "MOCKSERVER_CACERT"
"""The one with the file that says which certificates are trusted."""


# -- servers ------------------------------------------------------------------------------------------


class Servers:
    """The servers of one process, each started when it is first asked for and up until the run ends."""

    def __init__(self, config: pytest.Config) -> None:
        """Read what was set; a worker of pytest-xdist is told by its controller of the server that all share."""
        given: Mapping[str, Any] = getattr(config, "workerinput", {})
        self._root = config.rootpath
        self._contract: str = config.getini("mockserver_contract")
        self._overlays = tuple(map(str, config.getini("mockserver_overlay")))
        self._url: str = config.getoption("mockserver_url") or config.getini("mockserver_url")
        cacert: str = config.getini("mockserver_cacert")
        self._cacert = str(config.rootpath / cacert) if cacert else os.environ.get(CACERT_VARIABLE, "")
        self._shared: str = given.get("mockserver_shared", "")
        self._each: bool = given.get("mockserver_each", False)  # every worker runs every test
        self._worker: str = given.get("workerid", "")
        self._run: str = given.get("testrunuid", "")[:8] or os.urandom(4).hex()
        self._there: mockserver.Mock | None = None
        self._stack = ExitStack()
        self._up: dict[tuple[str, tuple[str, ...]], mockserver.Mock] = {}
        self.default_clock: str = config.getini("mockserver_clock")
        self.default_seed: str = config.getini("mockserver_seed")
        self.share = bool(config.getoption("mockserver_shared") or config.getini("mockserver_shared")) and not self._url

    def usual(self) -> mockserver.Mock:
        """The server of tests that ask for no other: one that is up, one that the workers share, or this process's."""
        if self._url and self._there is None:
            there = mockserver.Mock(self._url, "", os.environ.get(TOKEN_VARIABLE, ""), self._cacert)
            there.armed()  # so that it is told at once if it is not there, or asks for another token
            self._there = there
        if self._there is not None:
            return self._there
        if self._shared:
            return mockserver.Mock(self._shared)
        return self._own(self._contract, self._overlays)

    def of(self, contract: str | None, overlays: Iterable[str]) -> mockserver.Mock:
        """The server that a marker asks for."""
        if contract is None and not overlays:
            return self.usual()
        if contract is not None:
            return self._own(contract, tuple(overlays))
        return self._own(self._contract, (*self._overlays, *overlays))

    def _own(self, contract: str, overlays: tuple[str, ...]) -> mockserver.Mock:
        key = (contract, overlays)
        if key not in self._up:
            folder = self._root / contract if contract else None
            running = mockserver.running(folder, [self._root / overlay for overlay in overlays])
            self._up[key] = self._stack.enter_context(running)
        return self._up[key]

    def sandbox(self, item: pytest.Item) -> str:
        """A name that no other test has at the same time, and that is the same in every run if it can be.

        It can where the server is this run's alone; generated ids are derived from the name.
        """
        plain = re.sub(r"[^A-Za-z0-9]+", "-", getattr(item, "originalname", None) or item.name).strip("-")[:24]
        digest = hashlib.sha256(item.nodeid.encode("utf-8", "backslashreplace")).hexdigest()[:12]
        parts = [plain or "t", digest]
        parts += [self._worker or "main", self._run] if self._url else [self._worker] if self._each else []
        return "-".join(parts)

    def coverage(self) -> list[tuple[bool, dict[str, Any]]]:
        """What the servers of this process have counted; of one that is up the controller of the workers asks."""
        usual = (self._contract, self._overlays)
        found = []
        for key, mock in self._up.items():
            report = mock.coverage(everywhere=True)
            for row in report["scenarios"]:  # a server that will be gone is no place to send anybody to
                row["curl"] = row["curl"].replace(mock.url, "http://127.0.0.1:8080")
            found.append((key == usual, report))
        if self._url and not self._worker:
            found.append((True, self.usual().coverage(everywhere=True)))
        return found

    def close(self) -> None:
        """Stop them all."""
        self._up.clear()
        self._stack.close()


SERVERS: Final = pytest.StashKey[Servers]()
MOCK: Final = pytest.StashKey["mockserver.Mock"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare options and settings."""
    group = parser.getgroup("mockserver", "a mock server for every test")
    group.addoption("--mockserver-url", metavar="URL", help=FLAGS["url"][1])
    group.addoption(
        "--mockserver-coverage",
        metavar="html:FILE,junit:FILE",
        nargs="?",
        const={},
        type=_files,
        help=FLAGS["coverage"][1],
    )
    group.addoption(
        "--mockserver-coverage-fail-under", metavar="PERCENT", type=float, help=FLAGS["coverage-fail-under"][1]
    )
    group.addoption("--mockserver-shared", action="store_true", help=FLAGS["shared"][1])
    for name, (kind, text) in SETTINGS.items():
        parser.addini(f"mockserver_{name}", text, kind, {"string": "", "paths": [], "bool": False}[kind])  # type: ignore[arg-type]


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", MARKER)
    servers = config.stash[SERVERS] = Servers(config)
    files, bar = config.getoption("mockserver_coverage"), config.getoption("mockserver_coverage_fail_under")
    if files is not None or bar is not None:
        from mockserver.testing.pytest_coverage import Coverage

        config.pluginmanager.register(Coverage(config, servers.coverage, files or {}, bar), "mockserver_coverage")


def _files(text: str) -> dict[str, str]:
    """The files that coverage is written to, by form."""
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
    """Start the server that the workers of pytest-xdist share, and tell a worker where it is."""
    servers = node.config.stash[SERVERS]
    if servers.share:
        node.workerinput["mockserver_shared"] = servers.usual().url
        node.workerinput["mockserver_each"] = node.config.getoption("dist") == "each"


# -- the fixture --------------------------------------------------------------------------------------


@pytest.fixture(name="mockserver")
def fixture(request: pytest.FixtureRequest) -> Iterator[mockserver.Mock]:
    """A mock server for this test: a sandbox of its own, fresh, and dropped afterwards; `.url` is its base URL."""
    item = request.node
    servers = item.config.stash[SERVERS]
    asked = _asked(item, servers)
    contract, overlays, clock = asked.pop("contract", None), asked.pop("overlay", ()), asked.pop("clock", None)
    if isinstance(overlays, str | Path):
        overlays = (overlays,)
    try:
        server = servers.of(None if contract is None else str(contract), tuple(map(str, overlays)))
        mock = server.in_sandbox(servers.sandbox(item))
        if asked:
            mock.settings.put(**asked)
        if clock is not None:
            mock.clock.freeze(clock)
    except (mockserver.ConfigError, mockserver.MockError, ValueError) as error:
        _refuse(f"{error}{_meant(asked)}")
    item.stash[MOCK] = mock
    yield mock
    try:
        mock.drop()
    except mockserver.MockError as error:
        _refuse(str(error))


def _asked(item: pytest.Item, servers: Servers) -> dict[str, Any]:
    """What the markers of a test ask for, the nearest one first, over what is set for all."""
    asked: dict[str, Any] = {}
    if servers.default_clock:
        asked["clock"] = servers.default_clock
    if servers.default_seed:
        asked["seed"] = _number(servers.default_seed)
    for marker in reversed([*item.iter_markers("mockserver")]):
        if marker.args:
            _refuse(f"the marker mockserver takes names, such as contract=..., got {marker.args[0]!r}")
        asked |= marker.kwargs
    return asked


def _meant(settings: Iterable[str]) -> str:
    """What may have been meant by a name in a marker that is taken for one of a setting."""
    from mockserver.core.spelling import close_matches

    spelt = [known for name in settings for known in close_matches(name, ("contract", "overlay", "clock", "seed"))]
    return f" Or did you mean {spelt[0]}?" if spelt and spelt[0] not in settings else ""


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        _refuse(f"the setting mockserver_seed is a number, got {text!r}")
    return int(text)


def _refuse(text: str) -> NoReturn:
    """Fail the test in plain words: it is not the plugin's code that is wrong."""
    raise pytest.fail.Exception(f"mockserver: {text}", pytrace=False) from None


# -- a failing test -----------------------------------------------------------------------------------


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Add what the mock saw to the report of a test that failed; its sandbox is still there."""
    outcome: Any = yield
    report: pytest.TestReport = outcome.get_result()
    mock = item.stash.get(MOCK, None)
    if mock is None or not report.failed or report.when == "teardown":
        return
    from mockserver.testing.history import history

    report.sections.append(("mockserver", history(mock)))
