"""The report at the end of a pytest run: coverage, unexpected requests, artefacts, and what fails the run.

The plugin imports it only if one of them is requested.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypedDict

import pytest

from mockserver.client.admin_client import MockError
from mockserver.client.coverage_merge import merge_reports
from mockserver.client.mock import Mock
from mockserver.core.client_advice import LANGUAGES
from mockserver.reports.coverage_page import render
from mockserver.reports.coverage_report import not_met
from mockserver.reports.har import LOG
from mockserver.testing.history import unexpected_requests
from mockserver.testing.pytest_servers import ServerCoverage, setting

LANGUAGE_VARIABLE: Final = "MOCKSERVER_LANGUAGE"
"""The environment variable with the language of pages."""


class Collected(TypedDict):
    """What a process has collected: coverage, the entries of an HTTP archive, unexpected requests as text.

    `lost`: where requests are missing, as text.
    """

    coverage: list[ServerCoverage]
    requests: list[Any]
    unexpected: list[str]
    lost: list[str]


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """What is wanted: `files` of coverage by format, the least percentage of coverage, outcomes that have to be met.

    `language` is that of pages.
    """

    shows_coverage: bool
    files: Mapping[str, Path]
    minimum: float | None
    required: Sequence[str]
    fails_unexpected: bool
    artefacts: Path | None
    language: str

    @classmethod
    def of(cls, config: pytest.Config) -> ReportOptions:
        """What the command line or the ini file wants; a folder is relative to where that is."""
        files, minimum = config.getoption("mockserver_coverage"), config.getoption("mockserver_coverage_fail_under")
        required, folder = setting(config, "coverage_require"), setting(config, "artefacts")
        here = config.invocation_params.dir
        base = here if config.getoption("mockserver_artefacts") else config.rootpath
        return cls(
            shows_coverage=files is not None or minimum is not None or bool(required),
            files={form: here / name for form, name in (files or {}).items()},
            minimum=minimum,
            required=required.split(",") if required else (),
            fails_unexpected=setting(config, "fail_unexpected"),
            artefacts=base / folder if folder else None,
            language=_language(config),
        )


def _language(config: pytest.Config) -> str:
    """The language of pages: that of the command line, the ini file or the environment. Raises `pytest.UsageError`."""
    language: str = setting(config, "language") or os.environ.get(LANGUAGE_VARIABLE, "") or "en"
    if language not in LANGUAGES:
        raise pytest.UsageError(
            f"--mockserver-language, mockserver_language or {LANGUAGE_VARIABLE}: "
            f"expected {' or '.join(LANGUAGES)}, got {language!r}"
        )
    return language


class RunReport:
    """Collects what the mocks of all processes saw; writes it, and fails the run where a gate is not met."""

    def __init__(
        self, config: pytest.Config, own_coverage: Callable[[], Sequence[ServerCoverage]], options: ReportOptions
    ) -> None:
        """`own_coverage` is the coverage of this process."""
        self._config = config
        self._own_coverage = own_coverage
        self._options = options
        self._collected = Collected(coverage=[], requests=[], unexpected=[], lost=[])
        self._lines: list[str] = []
        self._failures: list[str] = []

    def add_requests(self, test: str, mock: Mock) -> None:
        """Collect the requests of a test, before its sandbox is deleted. Raises `MockError`."""
        if self._options.artefacts is not None:
            self._collected["requests"] += mock.har()["log"]["entries"]
        if self._options.artefacts is not None or self._options.fails_unexpected:
            self._collected["unexpected"] += [f"{test}: {text}" for text in unexpected_requests(mock)]
            if mock.is_journal_incomplete():
                self._collected["lost"].append(f"{test}: the journal has lost requests, or is off")

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Collect what a worker of pytest-xdist sends at its end; one that died sends nothing."""
        output: dict[str, Any] | None = getattr(node, "workeroutput", None)
        if output is None:
            self._collected["lost"].append(
                f"worker {node.gateway.id} died: its requests are lost, so coverage and artefacts may be incomplete"
            )
        elif "mockserver" in output:
            self._add(json.loads(output.pop("mockserver")))  # of an interrupted worker pytest-xdist calls this twice

    @pytest.hookimpl(trylast=True)  # the fixtures of the session end before
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Send what was collected to the controller; or write it, and judge the run."""
        if self._options.shows_coverage or self._options.artefacts is not None:
            try:
                self._collected["coverage"] += self._own_coverage()
            except MockError as error:
                self._lines = [f"the mock server cannot be reached: {error}"]
        if hasattr(self._config, "workeroutput"):
            self._config.workeroutput["mockserver"] = json.dumps(self._collected)  # text of any kind survives in JSON
            return
        default = _merged(self._collected["coverage"], default=True)
        reports = [*default, *_merged(self._collected["coverage"], default=False)]
        lost = self._collected["lost"]
        self._lines += lost
        if self._options.shows_coverage and (reports or not lost):
            self._lines += [render(report, "text", self._options.language) for report in reports] or [
                "no test used the mock server"
            ]
        self._write_coverage(reports, self._options.files)
        if self._options.artefacts is not None:
            self._write_artefacts(reports, self._options.artefacts)
        self._failures += self._judge(default)
        if self._failures and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _add(self, other: Collected) -> None:
        self._collected["coverage"] += other["coverage"]
        self._collected["requests"] += other["requests"]
        self._collected["unexpected"] += other["unexpected"]
        self._collected["lost"] += other["lost"]

    def _write_coverage(self, reports: Sequence[Mapping[str, Any]], files: Mapping[str, Path]) -> None:
        """Write a file for each format and contract; further contracts have their hash in the name."""
        for form, first in files.items():
            for number, report in enumerate(reports):
                file = first.with_stem(f"{first.stem}-{report['contract']}") if number else first
                self._write(file, render(report, form, self._options.language))

    def _write_artefacts(self, reports: Sequence[Mapping[str, Any]], folder: Path) -> None:
        entries = sorted(self._collected["requests"], key=lambda entry: str(entry["startedDateTime"]))
        self._write(folder / "journal.har", json.dumps({"log": {**LOG, "entries": entries}}))
        unexpected = [*self._collected["unexpected"], *self._collected["lost"]]
        self._write(folder / "unexpected.txt", "".join(f"{text}\n" for text in unexpected))
        self._write_coverage(reports, {"html": folder / "coverage.html"})

    def _write(self, file: Path, text: str) -> None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            self._failures.append(f"cannot write {file}: {error.strerror or error}")
        else:
            self._lines.append(f"written: {file}")

    def _judge(self, reports: Sequence[Mapping[str, Any]]) -> Iterator[str]:
        """Why the run fails; `reports` are those of the default server."""
        options = self._options
        percent = min((report["documented"]["percent"] for report in reports), default=0.0)
        if options.minimum is not None and percent < options.minimum:
            yield f"{percent} % of the documented outcomes met, below the minimum of {options.minimum:g} %"
        rows = [row for report in reports for row in report["scenarios"]]
        try:
            missing = not_met(rows, options.required) if rows else options.required
        except ValueError as error:
            yield f"{error} (--mockserver-coverage-require)"
        else:
            if missing:
                yield f"not met: {', '.join(missing)} (--mockserver-coverage-require)"
        if options.fails_unexpected and self._collected["unexpected"]:
            yield f"unexpected requests: {len(self._collected['unexpected'])} (--mockserver-fail-unexpected)"
            yield from self._collected["unexpected"]
        if options.fails_unexpected and self._collected["lost"]:
            yield "requests are lost: nobody can tell whether one was unexpected (--mockserver-fail-unexpected)"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the tables, the files and why the run fails."""
        terminalreporter.section("mockserver")
        for line in self._lines:
            terminalreporter.line(line.rstrip("\n"))
        for line in self._failures:
            terminalreporter.line(line, red=True)


def _merged(coverage: Sequence[ServerCoverage], *, default: bool) -> list[Mapping[str, Any]]:
    """A report for each contract of the default server, or of the others."""
    return merge_reports([server["report"] for server in coverage if server["default"] is default])
