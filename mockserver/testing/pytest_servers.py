"""The servers of a pytest process: each is started on first use and stopped at the end of the run."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from typing import Any, Final, TypedDict

import pytest

import mockserver

TOKEN_VARIABLE: Final = "MOCKSERVER_ADMIN_TOKEN"  # noqa: S105 - its name
"""The environment variable with the admin token for `--mockserver-url`."""

CACERT_VARIABLE: Final = "MOCKSERVER_CACERT"
"""The environment variable with the file of trusted certificates."""

_RUN_NAME: Final = re.compile(r"[A-Za-z0-9._~-]{1,20}")
"""Names of runs: with the rest the name of a sandbox has at most 64 characters."""


class ServerCoverage(TypedDict):
    """The coverage of one server.

    `default`: it is the server of tests without a contract or an overlay in their marker.
    """

    default: bool
    report: Mapping[str, Any]


def setting(config: pytest.Config, name: str) -> Any:
    """The value of an option of the command line, or else of the ini file; empty if neither is given."""
    return config.getoption(f"mockserver_{name}") or config.getini(f"mockserver_{name}")


class Servers:
    """The servers of one process, each started on first use and stopped at the end of the run."""

    def __init__(self, config: pytest.Config) -> None:
        """Read the configuration; a worker of pytest-xdist gets the URL of a shared server from its controller."""
        worker: Mapping[str, Any] = getattr(config, "workerinput", {})
        self._root = config.rootpath
        self._contract: str = config.getini("mockserver_contract")
        self._overlays = tuple(map(str, config.getini("mockserver_overlay")))
        self._url: str = setting(config, "url")
        if re.search(r"/(sandbox|__admin)(/|$)", self._url):
            raise pytest.UsageError(
                f"--mockserver-url: expected the address of a server, such as http://mock:8080, got {self._url}; "
                "each test has a sandbox of its own"
            )
        self._run: str = config.getoption("mockserver_run") or ""
        if self._run and not (self._url and _RUN_NAME.fullmatch(self._run)):
            raise pytest.UsageError(
                "--mockserver-run: expected --mockserver-url, and a name of at most 20 letters, digits, ., _, ~ or -, "
                f"got {self._run!r}"
            )
        cacert: str = config.getini("mockserver_cacert")
        self._cacert = str(config.rootpath / cacert) if cacert else self._cacert_of_environment()
        self._shared: str = worker.get("mockserver_shared", "")
        self._each_worker: bool = worker.get("mockserver_each", False)  # pytest-xdist runs every test in every worker
        self._worker: str = worker.get("workerid", "")
        self._run_id: str = worker.get("testrunuid", "")[:8] or os.urandom(4).hex()
        self._external: mockserver.Mock | None = None
        self._stack = ExitStack()
        self._started: dict[tuple[str, tuple[str, ...]], mockserver.Mock] = {}
        self.share = bool(setting(config, "shared")) and not self._url

    def _cacert_of_environment(self) -> str:
        """The file of trusted certificates that the environment names; it does not concern an http URL."""
        return os.environ.get(CACERT_VARIABLE, "") if self._url.startswith("https:") else ""

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
        name = f"{words or 't'}-{digest}"
        return f"{name}-{self._worker}" if self._each_worker and not self._url else self._in_this_run(name)

    def session_sandbox_name(self) -> str:
        """The name of the sandbox that all tests of this process share."""
        return self._in_this_run("session" if self._url else f"session-{self._worker or 'main'}")

    def _in_this_run(self, name: str) -> str:
        """The name of a sandbox, which at a given URL other runs may not have at the same time."""
        if not self._url:
            return name
        worker = self._worker or "main"
        return f"{self._run}-{name}-{worker}" if self._run else f"{name}-{worker}-{self._run_id}"

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
            prefix = f"{self._run}-" if self._run else None
            report = self.default().coverage(everywhere=prefix is None, sandbox_prefix=prefix)
            found.append({"default": True, "report": report})
        return found

    def close(self) -> None:
        """Stop all servers."""
        self._started.clear()
        self._stack.close()
