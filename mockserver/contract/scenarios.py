"""Parts of files into scenarios: conditions, answers, changes, examples, and the order in which they are tried.

Knows the scenarios of one operation and reports every fault at its place; it decides no request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, TypeVar, cast

from mockserver.contract.bodies import body_of, form_of
from mockserver.contract.conditions import Context, compile_when
from mockserver.contract.layers import ConfigNode, Table
from mockserver.contract.operations import EnvelopeParts, OperationCompiler
from mockserver.contract.references import Scope, compile_template, constant
from mockserver.core.contract import (
    Alternative,
    Assumption,
    Change,
    Condition,
    Envelope,
    Example,
    RuntimeCompiler,
    Scenario,
    Template,
    Turn,
    Turns,
)
from mockserver.core.directives import DirectiveError, delay_of, fault_of
from mockserver.core.model import MISSING, Facts, Path, Provenance, Tick
from mockserver.core.values import read, write_ascii
from mockserver.schema.violations import describe


def compile_scenarios(
    operation: OperationCompiler, table: Table, fits: Mapping[str, Callable[[ConfigNode], None]]
) -> tuple[tuple[Scenario, ...], RuntimeCompiler]:
    """The scenarios of an operation, in order, and the means to compile more; those that are broken are left out.

    `fits` reports, by collection, what in a record breaks the schemas of its members.
    """
    compiler = _Scenarios(operation, fits)
    compiled = tuple(s for entry in table.values() if (s := compiler.scenario(entry)) is not None)
    if table:
        compiler.check_order(list(table.values()))
    return compiled, RuntimeCompiler(lambda entry: compiler.conditions(entry, entry.data, ()), compiler.scenario)


class _Answer(NamedTuple):
    """One compiled answer: the envelope as it stands in the contract, and where the answer stands."""

    parts: EnvelopeParts
    at: Path
    envelope: Envelope
    status: Template
    body: Template


class _Scenarios:
    def __init__(self, operation: OperationCompiler, fits: Mapping[str, Callable[[ConfigNode], None]]) -> None:
        self.operation = operation
        self.fits = fits
        roots = operation.roots()
        self.asked = Scope(roots, operation.members, sensitive=operation.sensitive)
        lookups = operation.lookups.items()
        self.answered = self.asked._replace(
            roots=(*roots, "now", "violation", *operation.new_root()),
            many=frozenset([*(name for name, lookup in lookups if lookup.many), *operation.unsound]),
        )

    def check_order(self, entries: list[ConfigNode]) -> None:
        *earlier, last = entries
        if not last.broken and any("pass" in turn for turn in last.data.get("responses", ())):
            last.fault("a last scenario that stands aside", "an answer in every turn", "pass", at=("responses",))
        if ("when" in last.data or "then" in last.data) and not _followed(last):
            last.fault(
                "no final scenario without conditions",
                "a last scenario that has neither when nor then",
                last.data["scenario"],
                "add one that answers whatever no other scenario of the operation does",
            )
        for entry in earlier:
            if "when" not in entry.data and not entry.broken:
                entry.fault(
                    "a scenario without conditions before others",
                    "when, in every scenario but the last",
                    entry.data["scenario"],
                    "none of those after it could ever answer",
                )

    def scenario(self, entry: ConfigNode) -> Scenario | None:
        if entry.broken:
            return None
        data, known_faults = entry.data, len(entry.source.faults)
        answers, turns = self._answers(entry)
        ways = tuple(self._ways(entry))
        assumed = self._points(entry, data.get("assumed", []), ("assumed",))
        changes = tuple(self._changes(entry))
        answer = next((a for a in answers if a is not None), None)
        if answer is None:
            return None
        scenario = Scenario(
            id=data["scenario"],
            operation=self.operation.name,
            source=ways[0].source,
            heading=ways[0].heading,
            note=data.get("note"),
            assumed=assumed,
            alternatives=ways,
            envelope=answer.envelope,
            status=answer.status,
            body=answer.body,
            form=form_of(answer.body),
            changes=changes,
            new=answer.body.new.union(*(t.new for c in changes for _, _, t in c.rendered)),
            examples=tuple(self._examples(entry)),
            position=entry.position,
            fault=_asked(entry, data, "fault", (), fault_of),
            delay=_asked(entry, data, "delay", (), delay_of),
        )
        if turns:
            scenario = _in_turn(entry, scenario, answers, turns)
        if len(entry.source.faults) == known_faults:
            for one in filter(None, answers):
                if not one.parts.entry.broken:
                    self._check_answer(entry, one)
        return scenario

    def _answers(self, entry: ConfigNode) -> tuple[list[_Answer | None], list[Mapping[str, Any]]]:
        """The answers of a scenario in turn (None: it stands aside), and what is said of the turns, if it has any."""
        data = entry.data
        turns = data.get("responses", [])
        if ("respond" in data) == bool(turns):
            came = "both" if turns else "neither"
            entry.fault("a scenario without one answer", "respond, or responses: several in turn", came)
            return [], []
        if not turns:
            return [self._answer(entry, data["respond"], ("respond",))], []
        if "then" in data:
            hint = "let a scenario before it answer in turn and then pass"
            entry.fault("answers in turn that change state", "no then beside responses", "then", hint, ("then",))
        answers: list[_Answer | None] = []
        for index, turn in enumerate(turns):
            at: Path = ("responses", index)
            if ("respond" in turn) == ("pass" in turn):
                came = "both" if "pass" in turn else "neither"
                entry.fault("a turn without one answer", "respond, or pass: true", came, at=at)
            answers.append(self._answer(entry, turn["respond"], (*at, "respond")) if "respond" in turn else None)
        if all("pass" in turn for turn in turns):
            entry.fault("answers in turn without an answer", "respond in at least one turn", "pass", at=("responses",))
        return answers, turns

    def _answer(self, entry: ConfigNode, data: Mapping[str, Any], at: Path) -> _Answer | None:
        names = [name for name in data if name != "status"]
        known = self.operation.parts.tables["envelopes"]
        if len(names) != 1:
            came = ", ".join(names) or "none"
            entry.fault("respond without one envelope", f"one of {', '.join(known)}", came, at=at)
            return None
        name = names[0]
        at = (*at, name)
        if name not in known and known:
            entry.unknown(f"unknown envelope {name}", name, known, at)
        parts = self.operation.envelopes.get(name)
        if parts is None:
            return None
        respond = compile_template(data[name], self.answered, (*entry.at, *at), entry.source.report)
        _report_uncertain(entry, respond, data[name], at)
        around = self.operation.body_scope()
        body = compile_template(parts.entry.data["body"], around, (), lambda _: None, respond)
        violations = parts.validator.violations if parts.validator is not None else lambda _, __: ()
        envelope = Envelope(name, parts.status, parts.assumed, partial(violations, "answer"), parts.schema)
        status = parts.status if data.get("status") is None else constant(data["status"])
        return _Answer(parts, at, envelope, status, body)

    def conditions(self, entry: ConfigNode, data: Mapping[str, Any], at: Path) -> tuple[Condition, ...]:
        return compile_when(data, Context(self.asked, self.operation.schemas, entry.source.report), (*entry.at, *at))

    def _points(self, entry: ConfigNode, data: list[Any], at: Path) -> tuple[Assumption, ...]:
        points = []
        for index, item in enumerate(data):
            for point, when in [(item, None)] if isinstance(item, str) else item.items():
                self.operation.known_point(entry, point, (*at, index))
                conditions = self.conditions(entry, when, (*at, index, point)) if when is not None else ()
                points.append(Assumption(point, conditions))
        return tuple(points)

    def _ways(self, entry: ConfigNode) -> Iterator[Alternative]:
        yield self._way(entry, entry.data, (), ())
        for index, data in enumerate(entry.data.get("also", ())):
            at: Path = ("also", index)
            yield self._way(entry, data, at, self._points(entry, data.get("assumed", []), (*at, "assumed")))

    def _way(
        self, entry: ConfigNode, data: Mapping[str, Any], at: Path, assumed: tuple[Assumption, ...]
    ) -> Alternative:
        if "documented" not in data and "assumed" not in data:
            what = "a way without a source" if at else "a scenario without a source"
            entry.fault(what, "documented: HEADING, or assumed: [ID]", "neither", at=at)
        conditions = self.conditions(entry, data.get("when", {}), (*at, "when"))
        records = tuple(name for name in self.operation.lookups if any(name in c.reads for c in conditions))
        source: Provenance = "documented" if "documented" in data else "assumed"
        return Alternative(conditions, source, data.get("documented"), assumed, records)

    def _changes(self, entry: ConfigNode) -> Iterator[Change]:
        single = {name: lookup for name, lookup in self.operation.lookups.items() if not lookup.many}
        for name, members in entry.data.get("then", {}).items():
            lookup = single.get(name)
            if lookup is None:
                if name not in self.operation.unsound:
                    entry.unknown(f"unknown lookup {name}", name, single, ("then", name))
                continue
            compiled: dict[str, tuple[bool, Template]] = {}
            for member, value in members.items():
                at: Path = ("then", name, member)
                if member not in lookup.collection.members:
                    entry.unknown(f"unknown member {member}", member, lookup.collection.members, at)
                add = isinstance(value, dict) and list(value) == ["add"]
                at, value = ((*at, "add"), value["add"]) if add else (at, value)  # noqa: PLW2901
                template = compile_template(value, self.answered, (*entry.at, *at), entry.source.report)
                compiled[member] = (add, template)
            fixed = {m: t.constant for m, (add, t) in compiled.items() if not add and t.constant is not MISSING}
            written = ConfigNode(entry.source, (*entry.at, "then", name), fixed, entry.layer)
            if not written.broken:
                self.fits[lookup.collection.name](written)
            rendered = [(m, add, t) for m, (add, t) in compiled.items() if m not in fixed]
            yield Change(lookup, {m: fixed.get(m) for m in compiled}, tuple(rendered))

    def _examples(self, entry: ConfigNode) -> Iterator[Example]:
        for index, data in enumerate(entry.data.get("examples", ())):
            at: Path = ("examples", index)
            for name in data.get("path", {}):
                if name not in self.operation.parameters:
                    what = f"unknown path parameter {name}"
                    entry.unknown(what, name, self.operation.parameters, (*at, "path", name))
            yield Example(
                request=data.get("request", MISSING),
                before=tuple(data.get("before", ())),
                path=data.get("path", {}),
                query=data.get("query", {}),
                headers={name.lower(): value for name, value in data.get("headers", {}).items()},
                position=entry.source.position((*entry.at, *at)),
            )

    def _check_answer(self, entry: ConfigNode, one: _Answer) -> None:
        """Forced on a request that has nothing in it, a scenario must still give a sound answer."""
        facts: Facts = {
            "body": MISSING,
            "header": {},
            "query": {},
            "path": {name: name for name in self.operation.parameters},
            "new": {new.name: f"{new.prefix}{new.first}" for new in self.operation.new},
            "settings": self.operation.settings,
            "tick": Tick(0),
            "violation": MISSING,
            **{name: [] if lookup.many else MISSING for name, lookup in self.operation.lookups.items()},
        }
        answer = read(body_of(form_of(one.body), facts), 1_000)
        for violation in one.envelope.violations(answer):
            expected, came, hint = describe(violation, answer)
            entry.fault(
                f"an answer that breaks its schema at {violation.where}",
                expected,
                came,
                hint or f"the schema is that of the envelope {one.envelope.name}",
                one.at,
            )


_Asked = TypeVar("_Asked")


def _asked(
    entry: ConfigNode, data: Mapping[str, Any], name: str, at: Path, read_it: Callable[[Any], _Asked]
) -> _Asked | None:
    """A fault or a delay, or None; what cannot be understood is reported."""
    if name not in data:
        return None
    try:
        return read_it(data[name])
    except DirectiveError as error:
        expected, _, came = str(error).removeprefix("expected ").partition(", got ")
        came, _, spelt = came.partition(". Did you mean ")
        hint = f"did you mean {spelt}" if spelt else ""
        entry.fault(f"a {name} that cannot be understood", expected, came, hint, (*at, name))
        return None


def _in_turn(
    entry: ConfigNode, scenario: Scenario, answers: Sequence[_Answer | None], data: Sequence[Mapping[str, Any]]
) -> Scenario:
    """A scenario that answers in turn; forced, it answers as in its first turn that has an answer."""
    turns = []
    for index, (answer, turn) in enumerate(zip(answers, data, strict=True)):
        at: Path = ("responses", index)
        own = None
        if answer is not None:
            own = replace(
                scenario,
                envelope=answer.envelope,
                status=answer.status,
                body=answer.body,
                form=form_of(answer.body),
                new=answer.body.new,
                fault=_asked(entry, turn, "fault", at, fault_of) or scenario.fault,
                delay=_asked(entry, turn, "delay", at, delay_of) or scenario.delay,
            )
        turns.append(Turn(own, times=turn.get("times", 1)))
    first = next((turn.scenario for turn in turns if turn.scenario is not None), scenario)
    return replace(first, turns=Turns(tuple(turns), entry.data.get("repeat") == "cycle"))


def _followed(last: ConfigNode) -> bool:
    """Whether scenarios stand after the last one that are broken so much that they are not counted."""
    after = range(cast(int, last.at[1]) + 1, len(last.source.data["scenarios"]))
    return any(last.source.broken(("scenarios", index)) for index in after)


def _report_uncertain(entry: ConfigNode, template: Template, data: Any, at: Path) -> None:
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
