"""The answers of a scenario: its envelope filled in, one alone or several in turn, and the check that it is sound."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, TypeVar

from mockserver.contract.layers import ConfigNode
from mockserver.contract.operations import EnvelopeParts, OperationCompiler
from mockserver.contract.paths import Context, Scope
from mockserver.contract.templates import compile_body_format, compile_template, constant, render_body
from mockserver.core.contract import Envelope, Scenario, Turn, Turns
from mockserver.core.directives import DirectiveError, parse_delay, parse_fault
from mockserver.core.language import Template
from mockserver.core.model import MISSING, Facts, Path, Tick, Violation
from mockserver.core.values import read, write_ascii
from mockserver.schema.violations import describe


class Answer(NamedTuple):
    """One compiled answer, the envelope that it uses as the contract has it, and where it stands in its scenario."""

    parts: EnvelopeParts
    at: Path
    envelope: Envelope
    status: Template
    body: Template


class WrittenTurn(NamedTuple):
    """What a scenario answers in one turn: what the file says of it, where, and the answer; None if it stands aside."""

    data: Mapping[str, Any]
    at: Path
    answer: Answer | None


class AnswerCompiler:
    """Compiles the answers of one operation's scenarios; `scope` is what they may refer to."""

    def __init__(self, operation: OperationCompiler, scope: Scope) -> None:
        self._operation = operation
        self._scope = scope

    def turns(self, entry: ConfigNode) -> tuple[WrittenTurn, ...]:
        """The answers of a scenario: the one of `respond`, or those of `responses`; none after a report."""
        data = entry.data
        if ("respond" in data) == ("responses" in data):
            got = "both" if "respond" in data else "neither"
            entry.fault("a scenario without one answer", "respond, or responses: several in turn", got)
            return ()
        if "respond" in data:
            return (WrittenTurn({}, (), self._answer(entry, data["respond"], ("respond",))),)
        if "then" in data:
            hint = "let a scenario before it answer in turn and then pass"
            entry.fault("answers in turn that change state", "no then beside responses", "then", hint, ("then",))
        responses = data["responses"]
        turns = tuple(self._turn(entry, turn, ("responses", index)) for index, turn in enumerate(responses))
        if all("pass" in turn for turn in responses):
            entry.fault("answers in turn without an answer", "respond in at least one turn", "pass", at=("responses",))
        return turns

    def _turn(self, entry: ConfigNode, data: Mapping[str, Any], at: Path) -> WrittenTurn:
        if ("respond" in data) == ("pass" in data):
            entry.fault(
                "a turn without one answer", "respond, or pass: true", "both" if "pass" in data else "neither", at=at
            )
        answer = self._answer(entry, data["respond"], (*at, "respond")) if "respond" in data else None
        return WrittenTurn(data, at, answer)

    def _answer(self, entry: ConfigNode, data: Mapping[str, Any], at: Path) -> Answer | None:
        operation = self._operation
        names = [name for name in data if name != "status"]
        declared = operation.parts.tables["envelopes"]
        if len(names) != 1:
            got = ", ".join(names) or "none"
            entry.fault("respond without one envelope", f"one of {', '.join(declared)}", got, at=at)
            return None
        name = names[0]
        at = (*at, name)
        if name not in declared and declared:
            entry.unknown(f"unknown envelope {name}", name, declared, at)
        parts = operation.envelopes.get(name)
        if parts is None:
            return None
        respond = compile_template(data[name], entry.context(self._scope, operation.schemas, at))
        _report_uncertain(entry, respond, data[name], at)
        silent = Context(operation.body_scope(), operation.schemas, _ignore)
        return Answer(
            parts,
            at,
            Envelope(name, parts.status, parts.assumed, _violations_of(parts), parts.schema),
            parts.status if data.get("status") is None else constant(data["status"]),
            compile_template(parts.entry.data["body"], silent, respond),
        )

    def check(self, entry: ConfigNode, answer: Answer) -> None:
        """Report an answer that breaks its schema for a request that has nothing in it: it can be forced on any."""
        operation = self._operation
        facts: Facts = {
            "body": MISSING,
            "header": {},
            "query": {},
            "path": {name: name for name in operation.parameters},
            "new": {new.name: f"{new.prefix}{new.first}" for new in operation.new},
            "settings": operation.settings,
            "tick": Tick(0),
            "violation": MISSING,
            **{name: [] if lookup.many else MISSING for name, lookup in operation.lookups.items()},
        }
        body = read(render_body(compile_body_format(answer.body), facts), 1_000)
        for violation in answer.envelope.violations(body):
            expected, got, hint = describe(violation, body)
            entry.fault(
                f"an answer that breaks its schema at {violation.where}",
                expected,
                got,
                hint or f"the schema is that of the envelope {answer.envelope.name}",
                answer.at,
            )


def _ignore(_fault: object) -> None:
    """What is wrong in an envelope was reported when the envelope was compiled."""


def _violations_of(parts: EnvelopeParts) -> Callable[[Any], tuple[Violation, ...]]:
    return partial(parts.validator.violations, "answer") if parts.validator is not None else _no_violations


def _no_violations(_body: object) -> tuple[Violation, ...]:
    return ()


def _report_uncertain(entry: ConfigNode, template: Template, data: Any, at: Path) -> None:
    """Report each reference that may have no value, unless a fault in it is known already."""
    if template.certain or entry.source.broken((*entry.at, *at)):
        return
    for name, member in (template.members or {}).items():
        _report_uncertain(entry, member, data[name], (*at, name))
    for index, item in enumerate(template.items or ()):
        _report_uncertain(entry, item, data[index], (*at, index))
    if template.members is None and template.items is None:
        entry.fault(
            "an answer that may lack a value",
            "a reference that is certain",
            write_ascii(data),
            "write {first_of: [..., something certain]}: a scenario can be forced on any request",
            at,
        )


# -- scenarios with several answers -------------------------------------------------------------------


def in_turn(entry: ConfigNode, scenario: Scenario, written: Iterable[WrittenTurn]) -> Scenario:
    """A scenario that answers in turn; forced, it answers as in its first turn that has an answer."""
    turns = tuple(Turn(_of_turn(entry, scenario, turn), times=turn.data.get("times", 1)) for turn in written)
    first = next((turn.scenario for turn in turns if turn.scenario is not None), scenario)
    return replace(first, turns=Turns(turns, entry.data.get("repeat") == "cycle"))


def _of_turn(entry: ConfigNode, scenario: Scenario, turn: WrittenTurn) -> Scenario | None:
    """The scenario as it answers in one turn; None where it stands aside."""
    answer = turn.answer
    if answer is None:
        return None
    return replace(
        scenario,
        envelope=answer.envelope,
        status=answer.status,
        body=answer.body,
        body_format=compile_body_format(answer.body),
        new=answer.body.new,
        fault=parse_directive(entry, turn.data, "fault", parse_fault, turn.at) or scenario.fault,
        delay=parse_directive(entry, turn.data, "delay", parse_delay, turn.at) or scenario.delay,
    )


_Directive = TypeVar("_Directive")


def parse_directive(
    entry: ConfigNode, data: Mapping[str, Any], name: str, parse: Callable[[Any], _Directive], at: Path = ()
) -> _Directive | None:
    """A fault or a delay, None where there is none; what cannot be understood is reported."""
    if name not in data:
        return None
    try:
        return parse(data[name])
    except DirectiveError as error:
        expected, _, rest = str(error).removeprefix("expected ").partition(", got ")
        got, _, spelt = rest.partition(". Did you mean ")
        hint = f"did you mean {spelt}" if spelt else ""
        entry.fault(f"a {name} that cannot be understood", expected, got, hint, (*at, name))
        return None
