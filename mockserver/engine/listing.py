"""The table of scenarios: what each is, its answer, and how people trigger it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from mockserver.base.text_table import table_lines
from mockserver.base.values import MAX_OWN_DEPTH, decode_json, encode_ascii_json
from mockserver.core.contract import Contract, Example, Operation, Scenario
from mockserver.core.model import MISSING, value_at
from mockserver.core.reply import Reply
from mockserver.engine.linter import ExampleRunner


def scenario_rows(contract: Contract) -> list[dict[str, Any]]:
    """Every scenario as JSON: what it is, its answer and advice, how to trigger it, and its examples.

    `trigger` says how in words, by `values` or else by `conditions`, which are there as JSON too.
    `status` and `error` are those of the answer to the first example (null where there is no example, or
    no member `error` in the body). An example has `request`, the body, and `before`, the bodies to send first.
    """
    return list(iter_scenario_rows(contract))


def iter_scenario_rows(contract: Contract) -> Iterator[dict[str, Any]]:
    """The same rows one by one; making a row runs the first example of its scenario."""
    runner = ExampleRunner(contract)
    for operation in contract.operations:
        for scenario in operation.scenarios:
            yield _scenario(runner, operation, scenario)


def _scenario(runner: ExampleRunner, operation: Operation, scenario: Scenario) -> dict[str, Any]:
    reply = runner.run(operation, scenario.examples[0]) if scenario.examples else None
    body = decode_json(reply.body, MAX_OWN_DEPTH) if reply is not None else {}
    values = trigger_values(operation, scenario, reply)
    return {
        "id": scenario.id,
        "operation": operation.id,
        "source": scenario.provenance,
        "heading": scenario.heading,
        "assumed": [point.id for point in scenario.assumed],
        "status": reply.status if reply is not None else None,
        "error": body.get("error") if isinstance(body, dict) else None,
        "note": scenario.note,
        "verified": scenario.verified.members if scenario.verified is not None else None,
        **scenario.client_advice.members,
        "trigger": how_to_trigger(scenario, values),
        "values": [one.members for one in values],
        "conditions": [one.written for one in scenario.alternatives[0].conditions],
        "examples": [_example(example) for example in scenario.examples],
    }


def _example(example: Example) -> dict[str, Any]:
    shown: dict[str, Any] = {"request": None if example.body is MISSING else example.body}
    if example.bodies_before:
        shown["before"] = list(example.bodies_before)
    for name in ("path", "query", "headers"):
        if getattr(example, name):
            shown[name] = dict(getattr(example, name))
    return shown


class TriggerValue(Struct, frozen=True):
    """A value by which a tester triggers a scenario; `MISSING` if there must be none. `is_key`: that of a record."""

    at: str
    value: Any
    is_key: bool = False

    @property
    def text(self) -> str:
        """Place and value."""
        if self.value is MISSING:
            return f"{self.at} missing"
        return f"{self.at} {self.value if self.is_key else encode_ascii_json(self.value)}"

    @property
    def members(self) -> dict[str, Any]:
        """Place and value as members of JSON; there is no `value` if it must be missing."""
        return {"at": self.at} if self.value is MISSING else {"at": self.at, "value": self.value}


def trigger_values(operation: Operation, scenario: Scenario, first: Reply | None) -> list[TriggerValue]:
    """The values by which a tester triggers a scenario: reserved ones, or what is malformed in its first example."""
    for example in scenario.examples:
        found = [] if example.bodies_before else list(_seeds(operation, example))
        if found:
            return found
    violation = first.decision.facts.violation if first is not None and first.decision is not None else MISSING
    if violation is MISSING:
        return []
    where, is_missing = violation["where"], violation["came"] == "missing"
    return [TriggerValue(where, MISSING if is_missing else value_at(scenario.examples[0].body, where.split(".")[1:]))]


def how_to_trigger(scenario: Scenario, values: Sequence[TriggerValue]) -> str:
    """How a tester triggers a scenario: by these values, or else by its conditions."""
    if values:
        return ", ".join(one.text for one in values)
    return " and ".join(c.text for c in scenario.alternatives[0].conditions) or "whatever no other scenario answers"


def _seeds(operation: Operation, example: Example) -> Iterator[TriggerValue]:
    for lookup in operation.lookups:
        root, *steps = lookup.path.split(".")
        key = value_at(example.body, steps) if root == "body" else None
        if isinstance(key, str) and (lookup.fold or str)(key) in lookup.collection.seeds:
            yield TriggerValue(lookup.path, key, is_key=True)


def scenario_table(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The scenarios as a table; the column `verified` is there if any was compared with a provider."""
    is_verified = any(row["verified"] for row in rows)
    verified = ("verified",) if is_verified else ()
    titles = ("id", "source", "status", "code", "retry", *verified, "how to trigger", "note")
    cells = [
        (
            row["id"],
            row["source"],
            _cell(row["status"]),
            _cell((row["error"] or {}).get("code")),
            _cell(row["retry"]),
            *([_verified_cell(row["verified"])] if is_verified else []),
            row["trigger"],
            row["note"] or "",
        )
        for row in rows
    ]
    yield from table_lines([titles, *cells])
    yield ""
    yield "Each is also met with the request header Mock-Scenario: ID, whatever the request is."
    yield "Retry is advice of this mock, not of the documents; `mockserver scenarios NAME` shows what to do in words."


def _verified_cell(verified: Mapping[str, str] | None) -> str:
    return f"{verified['result']} {verified['on']}" if verified else ""


def _cell(value: Any) -> str:
    return "" if value is None else str(value)
