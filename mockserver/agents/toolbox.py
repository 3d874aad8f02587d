"""The tools: each method is one, its docstring is what an agent reads about it, its answer a short text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from mockserver.base.spelling import close_matches, did_you_mean_sentence
from mockserver.base.values import printable
from mockserver.client.admin_client import MockError
from mockserver.client.mock import Mock
from mockserver.core.client_advice import text_in
from mockserver.core.codes import CODE_PREFIX, scenario_name
from mockserver.core.directives import DirectiveError, fault_spec
from mockserver.engine.explaining import explanation_lines
from mockserver.entries.retries import MAX_SEARCHED
from mockserver.remote.arming import describe_armed
from mockserver.remote.requests import RequestTable
from mockserver.reports.coverage_report import summary

MAX_NEAR_MISSES: Final = 3
"""The near misses of one explanation; the nearest come first."""

_COLUMNS: Final = ("id", "method", "target", "status", "code", "scenario", "trigger", "fault", "hint")


class Toolbox:
    """The tools within one sandbox of a running server."""

    def __init__(self, mock: Mock) -> None:
        """Work in the sandbox of this client."""
        self._mock = mock

    def list_outcomes(self, search: str = "") -> str:
        """List the answers that the mock can give, one a line; scenarios that this sandbox got at run time come last.

        Each has its id, status, error code, source, whether to send the request again, and documented heading.
        search: only lines that contain this text.
        """
        lines = [_outcome_line(row) for row in self._outcomes()]
        return "\n".join(line for line in lines if search.lower() in line.lower()) or f"no outcome contains {search!r}"

    def how_to_trigger(self, outcome: str) -> str:
        """Say how to get an answer: by values in the request, by a header, by arming; and what a client should do.

        outcome: the id, or the error code; where several answers have the code, they are listed.
        """
        rows = self._rows_of(outcome)
        if len({row["scenario"] for row in rows}) > 1:
            lines = [f"{_outcome_line(row)}\n  by values:  {row['how']}" for row in rows]
            return "\n".join([*lines, "how_to_trigger with one of these ids says more"])
        return "\n\n".join("\n".join(self._outcome_lines(row)) for row in rows)

    def arm(
        self,
        outcome: str = "",
        times: int | Literal["always"] = 1,
        when: dict[str, Any] | None = None,
        fault: str = "",
        delay: str = "",
        commit: bool = False,
    ) -> str:
        """Give the next matching requests this answer, a fault, a delay, or a combination.

        outcome: the id, or the error code if one answer alone has it.
        times: how many requests get it, or "always".
        when: only requests that match these conditions, such as {"body.name": "x"}.
        fault: hang, reset, empty, truncate, malformed, garbage, dribble or gateway, or "gateway; status=429".
        delay: how long the answer takes, such as 1500ms.
        commit: with a fault, lose the answer alone and keep what the request changes.
        """
        try:
            spec = fault_spec(fault) if ";" in fault else fault or None
        except DirectiveError as error:
            raise MockError(str(error)) from None
        number = self._mock.arm(
            scenario_name(outcome) or None, times, when, fault=spec, commit=commit or None, delay=delay or None
        )
        (item,) = (item for item in self._mock.armed() if item["id"] == number)
        return f"armed in sandbox {self._mock.sandbox}: {describe_armed(item)}"

    def explain(
        self,
        body: dict[str, Any] | str,
        headers: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
        path: str = "",
    ) -> str:
        """Say what a request would get, and why, without sending it; nothing changes.

        body: the JSON body, or any text. path: needed where the path has parameters or there are several operations.
        """
        given = {"headers": headers, "query": query, "path": path}
        return self._mock.explain(body, **{name: value for name, value in given.items() if value}).rstrip("\n")

    def requests(self, limit: int = 10, outcome: str = "", trace: str = "", unexpected: bool = False) -> str:
        """List the last requests of the sandbox, oldest first.

        limit: how many of the newest. outcome: only those that this scenario answered, or those with this code. trace:
        only those with this trace id in their traceparent. unexpected: only those whose answer no test asked for.
        """
        filters = {name: value for name, value in (("scenario", scenario_name(outcome)), ("trace", trace)) if value}
        rows = self._mock.requests(unexpected=unexpected, limit=limit, **filters)
        if not rows:
            return f"no such requests in sandbox {self._mock.sandbox}; the base URL of a client is {self._mock.url}"
        return "\n".join(RequestTable(_COLUMNS).lines(rows, with_head=True))

    def why(self, entry: str = "") -> str:
        """Say why a request got its answer: what held, what was wrong with it, near misses, what a client should do.

        entry: the id of the request, as in the header Mock-Entry of its answer; without it the newest request.
        """
        if not entry:
            rows = self._mock.requests(limit=1)
            if not rows:
                return self.requests()
            entry = rows[0]["id"]
        found = self._mock.request(entry)
        decision = {"decision": found.pop("decision")} if found["decision"] else found.pop("decision") or {}
        shown = {
            **found,
            **decision,
            "path": found["target"],
            "warnings": [warning["message"] for warning in found["warnings"]],
            "reply": found["reply"]["body"],
            "writes": (),
            "misses": found["misses"][:MAX_NEAR_MISSES],
        }
        lines = [*(_recording_lines(found) if found["recording"] else explanation_lines(shown))]
        if found["answer_lost"]:
            how = "the client left" if found["client_left"] else f"the fault {found['fault']} took it"
            if found["recorded"] or (found["problem"] or "").startswith("provider-"):
                retry = "the provider may have done what was asked"
            else:
                retry = "a retry finds its change made" if found["committed"] else "it changed nothing"
            lines += ["", f"  the client did not get this answer: {how}; {retry}", f"  {_retry(found['retried_by'])}"]
        elif decision:
            lines += ["", *(f"  {line}" for row in self._rows_of(found["scenario"]) for line in _advice(row))]
        if found["retry_of"]:
            lines += ["", f"  {_retried(found['retry_of'])}"]
        return "\n".join(lines)

    def verify(
        self,
        outcome: str = "",
        when: dict[str, Any] | None = None,
        exactly: int | None = None,
        at_least: int | None = None,
        at_most: int | None = None,
        armed_used: bool = False,
    ) -> str:
        """Check a claim about the requests of the sandbox: how many there were, at least one if no number is given.

        outcome: answered by this scenario, or by the one with this code. when: that match these conditions.
        armed_used: that all that was armed was used; it goes with no other argument.
        """
        if armed_used and (outcome or when or (exactly, at_least, at_most) != (None, None, None)):
            raise MockError("armed_used goes with no other argument")
        self._mock.settings.put()  # makes the sandbox, where that there were no requests is to hold
        try:
            if armed_used:
                self._mock.verify_armed_used()
            else:
                self._mock.verify(scenario_name(outcome) or None, when, exactly, at_least, at_most)
        except AssertionError as error:
            return str(error)
        return "holds"

    def coverage(self) -> str:
        """Say which outcomes of the contract the requests of the sandbox have met, and how to meet the others."""
        report = self._mock.coverage()
        missing = [row for row in report["scenarios"] if not row["met"]]
        return "\n".join([summary(report), *(f"not met: {row['scenario']}: {row['how']}" for row in missing)])

    def reset(self) -> str:
        """Bring the sandbox back to its beginning: records, clock, settings, what is armed, journal. No other one."""
        self._mock.reset()
        return f"reset sandbox {self._mock.sandbox}"

    def _outcomes(self) -> list[dict[str, Any]]:
        """The rows of the contract's outcomes, then those of run-time scenarios, some of which replace one."""
        added = [row for row in self._mock.scenarios.all() if row["run_time"]]
        replaced = [(row["operation"], row["scenario"]) for row in added]
        rows = self._mock.coverage()["scenarios"]
        return [
            *(row for row in rows if (row["operation"], row["scenario"]) not in replaced),
            *({**row, "status": None, "error": None, "how": _conditions(row), "curl": ""} for row in added),
        ]

    def _rows_of(self, outcome: str) -> list[dict[str, Any]]:
        """The rows of an outcome by id or code. Raises `MockError` if there is none."""
        rows = self._outcomes()
        name = outcome.removeprefix(CODE_PREFIX)
        found = [row for row in rows if name and name in (row["scenario"], _code(row))]
        if not found:
            known = dict.fromkeys([*(row["scenario"] for row in rows), *map(_code, rows)])
            hint = did_you_mean_sentence(close_matches(name, [one for one in known if one]))
            raise MockError(f"there is no outcome {outcome!r}.{hint} list_outcomes has them all")
        return found

    def _outcome_lines(self, row: Mapping[str, Any]) -> Iterator[str]:
        heading = f', "{row["heading"]}"' if row["heading"] else ""
        yield f"{row['scenario']} ({row['source']}{heading})"
        if row["status"]:
            error = f" {json.dumps(row['error'], ensure_ascii=False)}" if row["error"] else ""
            yield f"  answer:     {row['status']}{error}"
        yield f"  by values:  {row['how']}"
        yield f"  by header:  Mock-Scenario: {row['scenario']}"
        yield f'  by arming:  arm(outcome="{row["scenario"]}"), then the next request gets it'
        yield f"  base URL:   {self._mock.url}"
        yield from (f"  {line}" for line in _advice(row))
        if row["curl"]:
            yield f"  {row['curl']}"


def _conditions(row: Mapping[str, Any]) -> str:
    """When a run-time scenario answers, in words."""
    return " or ".join(" and ".join(alternative) for alternative in row["when"]) or "whatever no other scenario answers"


def _code(row: Mapping[str, Any]) -> str:
    return str((row["error"] or {}).get("code", ""))


def _outcome_line(row: Mapping[str, Any]) -> str:
    run_time = "run-time" if row.get("run_time") else ""
    parts = (row["scenario"], row["status"], _code(row), run_time, row["source"], row["retry"], row["heading"])
    return " · ".join(str(part) for part in parts if part)


def _recording_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """How an answer of the provider compares with the contract."""
    recording = found["recording"]
    yield f"{found['method']} {printable(found['target'], 200)} -> {found['status']} {recording['words']}"
    if recording["reason"]:
        yield f"  reason:   {recording['reason']}"
    if recording["expected"]:
        yield f"  expected: {recording['expected']}"
    for one in recording["differences"]:
        yield f"  {one['at']}: expected {json.dumps(one['expected'])}, got {json.dumps(one['came'])}"


def _retry(found: Mapping[str, Any] | None) -> str:
    """The retry of a request whose answer was lost, and how it was answered."""
    if found is None:
        return f"no retry yet among the next {MAX_SEARCHED:,} requests"
    answer = (found["status"], found["code"], found["scenario"] or found["problem"])
    answered = "answer lost" if found["answer_lost"] else " ".join(str(one) for one in answer if one is not None)
    return f"its retry: {found['id']}, {found['after_ms']} ms later: {answered}{_masked(found)}"


def _retried(found: Mapping[str, Any]) -> str:
    """The request whose answer was lost, and which this one repeats."""
    return f"retry of {found['id']}, whose answer was lost{_masked(found)}"


def _masked(found: Mapping[str, Any]) -> str:
    return " (hidden values were not compared)" if found["has_masked_values"] else ""


def _advice(row: Mapping[str, Any]) -> Iterator[str]:
    """What happened and what a client should do, as advice of this project."""
    if row["reason"]:
        yield f"happened:   {text_in(row['reason'], 'en')}"
    if row["advice"]:
        yield f"advice:     {text_in(row['advice'], 'en')}"
    if row["retry"]:
        yield f"send again: {row['retry']}"
