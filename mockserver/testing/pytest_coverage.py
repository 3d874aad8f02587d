"""Coverage of the contract at the end of a run of pytest: a table, files, and a bar to reach.

Knows pytest and the JSON of coverage; it is imported only where coverage is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from mockserver.client.admin_api import MockError
from mockserver.client.coverage_merged import merged
from mockserver.reports.coverage_page import html
from mockserver.reports.coverage_report import junit, text

Found = Sequence[tuple[bool, Mapping[str, Any]]]
"""Coverage as servers told it, and whether each is that of the usual server: not of a contract that a marker names."""

FORMS: Final = {"html": html, "junit": junit}


class Coverage:
    """Gathers what the servers of all processes have counted."""

    def __init__(
        self, config: pytest.Config, told: Callable[[], Found], files: Mapping[str, str], bar: float | None
    ) -> None:
        """`told` asks the servers of this process, `files` are names by form, `bar` is the least percentage."""
        self._config = config
        self._told = told
        self._files = files
        self._bar = bar
        self._found: list[tuple[bool, Mapping[str, Any]]] = []
        self._lines: list[str] = []
        self._below = ""

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take what a worker of pytest-xdist sends at its end."""
        self._found += getattr(node, "workeroutput", {}).get("mockserver_coverage", [])

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Send it, write it, and judge it."""
        try:
            told = self._told()
        except MockError as error:
            told, self._lines = [], [f"the mock cannot be asked: {error}"]
        if hasattr(self._config, "workeroutput"):
            self._config.workeroutput["mockserver_coverage"] = list(told)
            return
        self._found += told
        usual = merged([report for is_usual, report in self._found if is_usual])
        reports = [*usual, *merged([report for is_usual, report in self._found if not is_usual])]
        self._lines += [text(report) for report in reports]
        self._lines = self._lines or ["no test has used the mock"]
        for form, name in self._files.items():
            for number, report in enumerate(reports):
                file = Path(self._config.invocation_params.dir) / name
                file = file.with_stem(f"{file.stem}-{report['contract']}") if number else file
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(FORMS[form](report), encoding="utf-8")
                self._lines.append(f"{form} written to {file}")
        percent = min((report["documented"]["percent"] for report in usual), default=0.0)
        if self._bar is not None and percent < self._bar:
            self._below = f"{percent} % of the documented outcomes met, below the bar of {self._bar:g} %"
            if session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the table."""
        terminalreporter.section("mockserver coverage")
        for line in self._lines:
            terminalreporter.line(line.rstrip("\n"))
        if self._below:
            terminalreporter.line(self._below, red=True)
