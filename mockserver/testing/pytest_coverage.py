"""Coverage of the contract at the end of a pytest run: a table, files, and a minimum.

The plugin imports it only if coverage is requested.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypedDict

import pytest

from mockserver.client.admin_client import MockError
from mockserver.client.coverage_merge import merge_reports
from mockserver.reports.coverage_page import html
from mockserver.reports.coverage_report import junit, text


class ServerCoverage(TypedDict):
    """The coverage of one server; a dictionary, as workers of pytest-xdist send nothing else.

    `default`: it is the server of tests without a contract or an overlay in their marker.
    """

    default: bool
    report: Mapping[str, Any]


FORMS: Final = {"html": html, "junit": junit}
"""The functions that write a report as a file, by the names of the formats."""


class Coverage:
    """Collects the coverage of the servers of all processes."""

    def __init__(
        self,
        config: pytest.Config,
        own_coverage: Callable[[], Sequence[ServerCoverage]],
        files: Mapping[str, str],
        minimum: float | None,
    ) -> None:
        """`own_coverage` is the coverage of this process, `files` are names by format, `minimum` is a percentage."""
        self._config = config
        self._own_servers = own_coverage
        self._files = files
        self._minimum = minimum
        self._collected: list[ServerCoverage] = []
        self._lines: list[str] = []
        self._failure = ""

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Collect what a worker of pytest-xdist sends at its end."""
        self._collected += getattr(node, "workeroutput", {}).get("mockserver_coverage", [])

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Send the coverage to the controller, or write it and compare it with the minimum."""
        own: Sequence[ServerCoverage] = ()
        try:
            own = self._own_servers()
        except MockError as error:
            self._lines = [f"the mock server cannot be reached: {error}"]
        if hasattr(self._config, "workeroutput"):
            self._config.workeroutput["mockserver_coverage"] = [*own]
            return
        self._collected += own
        default = merge_reports([server["report"] for server in self._collected if server["default"]])
        reports = [*default, *merge_reports([server["report"] for server in self._collected if not server["default"]])]
        self._lines += [text(report) for report in reports]
        self._lines = self._lines or ["no test used the mock server"]
        self._write(reports)
        percent = min((report["documented"]["percent"] for report in default), default=0.0)
        if self._minimum is not None and percent < self._minimum:
            self._failure = f"{percent} % of the documented outcomes met, below the minimum of {self._minimum:g} %"
            if session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _write(self, reports: Sequence[Mapping[str, Any]]) -> None:
        """Write a file for each format and contract; further contracts have their hash in the name."""
        for form, name in self._files.items():
            for number, report in enumerate(reports):
                file = Path(self._config.invocation_params.dir) / name
                file = file.with_stem(f"{file.stem}-{report['contract']}") if number else file
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(FORMS[form](report), encoding="utf-8")
                self._lines.append(f"{form} written to {file}")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the table."""
        terminalreporter.section("mockserver coverage")
        for line in self._lines:
            terminalreporter.line(line.rstrip("\n"))
        if self._failure:
            terminalreporter.line(self._failure, red=True)
