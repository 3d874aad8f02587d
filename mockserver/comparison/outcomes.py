"""The outcomes of an operation compared: answers, conditions, their order, and what the requests of examples get."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from mockserver.base.values import MAX_OWN_DEPTH, decode_json, equal
from mockserver.comparison.changes import Change, Place, ValueDifference, Verdict, value_differences
from mockserver.comparison.versions import OperationVersion
from mockserver.contract.templates import place_of_respond
from mockserver.core.contract import Example, Scenario
from mockserver.core.model import MISSING
from mockserver.core.reply import Reply
from mockserver.engine.linter import ExampleRunner
from mockserver.export.outcomes import example_settings

OPEN_POINTS: Final = "the open points that are named; it changes no answer by itself"

_OTHER_MEMBERS: Final[Mapping[str, tuple[Verdict, str]]] = {
    "responses": ("breaking", "answers in turn: another series"),
    "repeat": ("breaking", "answers in turn: another series"),
    "then": ("breaking", "later requests find other records"),
    "fault": ("breaking", "the connection fails in another way"),
    "delay": ("compatible", "the answer takes another time"),
    "documented": ("cosmetic", "the heading in the documents; it changes no answer by itself"),
    "assumed": ("cosmetic", OPEN_POINTS),
    "note": ("cosmetic", "a note for readers"),
    "reason": ("cosmetic", "words for readers"),
    "advice": ("cosmetic", "words for readers"),
    "retry": ("cosmetic", "advice on sending the request again; it gets the same answer"),
    "examples": ("cosmetic", "examples for readers; what their requests get is compared by itself"),
}
"""The members of an outcome that are compared as one value each."""


def outcome_changes(before: OperationVersion, now: OperationVersion) -> Iterator[Change]:
    """The changes of all outcomes of an operation that both contracts have."""
    outcomes, outcomes_now = before.operation.by_id, now.operation.by_id
    data, data_now = before.scenarios, now.scenarios
    statuses = {before.status(scenario) for scenario in outcomes.values()}
    for name in {**outcomes, **outcomes_now}:
        place = Place("outcome", name, now.operation.id)
        if name not in outcomes_now:
            reason = "a client never meets it again; tests that force, arm or expect it by its id fail"
            yield Change(place, "", name, MISSING, "breaking", reason)
        elif name not in outcomes:
            status = now.status(outcomes_now[name])
            is_new = status not in statuses
            reason = f"no outcome had status {status}" if is_new else f"other outcomes have status {status} too"
            yield Change(place, "", MISSING, name, "breaking" if is_new else "compatible", reason)
        else:
            yield from _answer_changes(_Answer(before, data[name]), _Answer(now, data_now[name]), place)
            yield from _condition_changes(outcomes[name], outcomes_now[name], data[name], data_now[name], place)
            yield from _member_changes(data[name], data_now[name], place)
            yield from _also_changes(data[name].get("also", ()), data_now[name].get("also", ()), place)


def _member_changes(before: Mapping[str, Any], now: Mapping[str, Any], place: Place) -> Iterator[Change]:
    for name, (verdict, reason) in _OTHER_MEMBERS.items():
        one, other = before.get(name, MISSING), now.get(name, MISSING)
        if not equal(one, other):
            yield Change(place, name, one, other, verdict, reason)


def _also_changes(
    before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]], place: Place
) -> Iterator[Change]:
    """Other headings or open points of a way to the outcome that both contracts have."""
    for one in before:
        same = next((other for other in now if equal(one["when"], other["when"])), one)
        if not equal(one, same):
            reason = "the heading or the open points of this way to it; it changes no answer by itself"
            yield Change(place, "also", one, same, "cosmetic", reason)


# -- answers --------------------------------------------------------------------------------------------


class _Answer:
    """The answer of an outcome as data; `envelope` is empty where it answers in turn."""

    def __init__(self, version: OperationVersion, data: Mapping[str, Any]) -> None:
        respond = data.get("respond", {})
        self.envelope = next((name for name in respond if name not in ("status", "headers")), "")
        self.values = respond.get(self.envelope)
        self.status_data = respond.get("status")
        self.status = version.status(version.operation.by_id[data["scenario"]])
        self.headers = {name.lower(): value for name, value in respond.get("headers", {}).items()}
        self.place = place_of_respond(version.data["envelopes"][self.envelope]["body"]) if self.envelope else None


def _answer_changes(before: _Answer, now: _Answer, place: Place) -> Iterator[Change]:
    if not before.envelope or not now.envelope:
        return  # what answers in turn is compared as one value
    if not equal(before.status_data, now.status_data):
        yield status_change(place, before.status, now.status)
    if before.envelope != now.envelope:
        yield Change(place, "envelope", before.envelope, now.envelope, "breaking", "a body of another shape")
    else:
        for difference in value_differences(before.values, now.values, now.place or ()):
            yield body_change(place, difference)
    for name in {**before.headers, **now.headers}:
        one, other = before.headers.get(name, MISSING), now.headers.get(name, MISSING)
        if not equal(one, other):
            added = one is MISSING
            reason = "clients ignore headers that they do not know" if added else "clients may rely on the header"
            yield Change(place, f"header {name}", one, other, "compatible" if added else "breaking", reason)


def status_change(place: Place, before: Any, now: Any) -> Change:
    """The change of a status that is written in another way; cosmetic if both ways give the same status."""
    same = equal(before, now)
    verdict: Verdict = "cosmetic" if same else "breaking"
    return Change(place, "status", before, now, verdict, "the same status" if same else "clients decide by the status")


def body_change(place: Place, difference: ValueDifference) -> Change:
    """The change of a part of a body."""
    verdict, reason = _body_verdict(difference)
    at = f"body {difference.at}".rstrip()
    return Change(place, at, difference.before, difference.now, verdict, reason)


def _body_verdict(difference: ValueDifference) -> tuple[Verdict, str]:
    if difference.order:
        return "cosmetic", "the order of members means nothing in JSON"
    if difference.before is MISSING:
        return "compatible", "clients ignore what they do not know"
    if difference.now is MISSING:
        return "breaking", "clients may read it"
    if type(difference.before) is not type(difference.now):
        return "breaking", "a value of another type"
    return "breaking", "clients may compare the value"


# -- conditions -----------------------------------------------------------------------------------------


def _condition_changes(
    before: Scenario, now: Scenario, data: Mapping[str, Any], data_now: Mapping[str, Any], place: Place
) -> Iterator[Change]:
    ways, ways_now = _ways(data), _ways(data_now)
    if equal(ways, ways_now):
        return
    same = len(ways) == len(ways_now) and all(any(equal(way, other) for other in ways_now) for way in ways)
    verdict: Verdict = "cosmetic" if same else "breaking"
    reason = "the same conditions in another order" if same else "other requests get this outcome"
    yield Change(place, "condition", _words(before), _words(now), verdict, reason)


def _ways(data: Mapping[str, Any]) -> list[Any]:
    return [one.get("when", {}) for one in (data, *data.get("also", ()))]


def _words(scenario: Scenario) -> str:
    """The conditions of a scenario, in words."""
    texts = (" and ".join(condition.text for condition in one.conditions) for one in scenario.alternatives)
    return "; or ".join(text or "any request" for text in texts)


# -- the order of checks, and what the requests of examples get -------------------------------------------


def decision_changes(before: OperationVersion, now: OperationVersion) -> Iterator[Change]:
    """The requests of old examples that get another outcome, and the order of checks if it is another one."""
    moved = [*_moved_examples(before, now)]
    yield from moved
    names, names_now = before.operation.by_id, now.operation.by_id
    order, order_now = [name for name in names if name in names_now], [name for name in names_now if name in names]
    if order != order_now:
        reason = "no request of an example gets another outcome"
        verdict: Verdict = "breaking" if moved else "compatible"
        reason = "requests of examples get another outcome" if moved else reason
        first, last = _ends_in_common(order, order_now)
        part, part_now = order[first : len(order) - last], order_now[first : len(order) - last]
        yield Change(Place("operation", now.operation.id), "order of checks", part, part_now, verdict, reason)


def _ends_in_common(one: Sequence[str], other: Sequence[str]) -> tuple[int, int]:
    """How many items two lists of one length have in common at the start, and at the end."""
    differ = [index for index, (name, name_now) in enumerate(zip(one, other, strict=True)) if name != name_now]
    return differ[0], len(one) - 1 - differ[-1]


def _moved_examples(before: OperationVersion, now: OperationVersion) -> Iterator[Change]:
    run, run_now = _example_runner(before), _example_runner(now)
    for scenario in before.operation.scenarios:
        moves: dict[tuple[str, str], list[str]] = {}
        for number, example in enumerate(scenario.examples, 1):
            answered, answered_now = run(example), run_now(example)
            if answered != answered_now:
                moves.setdefault((answered, answered_now), []).append(str(number))
        for (answered, answered_now), numbers in moves.items():
            place, reason = Place("example", scenario.id, now.operation.id), "the same request gets another outcome"
            yield Change(place, ", ".join(numbers), answered, answered_now, "breaking", reason)


def _example_runner(version: OperationVersion) -> Callable[[Example], str]:
    """A function that sends the request of an example to a version, and gives the outcome."""
    runner = ExampleRunner(version.contract, example_settings(version.contract.settings))
    return lambda example: _outcome_of(runner.run(version.operation, example))


def _outcome_of(reply: Reply) -> str:
    """The outcome that a reply has, or why the mock refused the request."""
    if reply.decision is not None:
        return reply.decision.scenario.id
    return f"refused: {decode_json(reply.body, MAX_OWN_DEPTH)['title']}"
