"""Scenarios: when each applies, what it answers and changes, its examples; compiled in the order of checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

from mockserver.contract.answers import AnswerCompiler, in_turn, parse_directive
from mockserver.contract.conditions import compile_when
from mockserver.contract.layers import ConfigNode, Table
from mockserver.contract.operations import OperationCompiler
from mockserver.contract.paths import Scope
from mockserver.contract.templates import compile_body_format, compile_template
from mockserver.core.contract import Alternative, Assumption, Change, Example, RenderedMember, RuntimeCompiler, Scenario
from mockserver.core.directives import parse_delay, parse_fault
from mockserver.core.language import Condition, Template
from mockserver.core.model import MISSING, Lookup, Path

CheckRecord = Callable[[ConfigNode], None]
"""Reports what in the members of a record breaks their schemas."""


def compile_scenarios(
    operation: OperationCompiler, table: Table, checks: Mapping[str, CheckRecord]
) -> tuple[Scenario, ...]:
    """The scenarios of an operation, in order; those that are broken are reported and left out.

    `checks` are those of records, by collection.
    """
    compiler = _ScenarioCompiler(operation, checks)
    compiled = [compiler.scenario(entry) for entry in table.values()]
    if table:
        _check_order(list(table.values()))
    return tuple(scenario for scenario in compiled if scenario is not None)


def runtime_compiler(operation: OperationCompiler, checks: Mapping[str, CheckRecord]) -> RuntimeCompiler:
    """Compiles scenarios and conditions that are given while the mock runs."""
    compiler = _ScenarioCompiler(operation, checks)
    return RuntimeCompiler(lambda entry: compiler.conditions(entry, entry.data, ()), compiler.scenario)


class _ScenarioCompiler:
    """Compiles scenarios of one operation."""

    def __init__(self, operation: OperationCompiler, checks: Mapping[str, CheckRecord]) -> None:
        self._operation = operation
        self._checks = checks
        self._request_scope = Scope(operation.roots(), operation.members, sensitive=operation.sensitive)
        many = [name for name, lookup in operation.lookups.items() if lookup.many]
        self._answer_scope = self._request_scope._replace(
            roots=(*operation.roots(), "now", "violation", *operation.new_root()),
            many=frozenset([*many, *operation.unsound]),
        )
        self._answers = AnswerCompiler(operation, self._answer_scope)

    def scenario(self, entry: ConfigNode) -> Scenario | None:
        """The scenario of a part of a file; None after a report that leaves it without an answer."""
        if entry.broken:
            return None
        data, known_faults = entry.data, len(entry.source.faults)
        turns = self._answers.turns(entry)
        alternatives = tuple(self._alternatives(entry))
        assumed = self._assumptions(entry, data.get("assumed", []), ("assumed",))
        changes = tuple(self._changes(entry))
        answers = [turn.answer for turn in turns if turn.answer is not None]
        if not answers:
            return None
        answer = answers[0]
        rendered = [member.template for change in changes for member in change.rendered]
        scenario = Scenario(
            id=data["scenario"],
            operation=self._operation.name,
            source=alternatives[0].source,
            heading=alternatives[0].heading,
            note=data.get("note"),
            assumed=assumed,
            alternatives=alternatives,
            envelope=answer.envelope,
            status=answer.status,
            body=answer.body,
            body_format=compile_body_format(answer.body),
            changes=changes,
            new=answer.body.new.union(*(template.new for template in rendered)),
            examples=tuple(self._examples(entry)),
            position=entry.position,
            fault=parse_directive(entry, data, "fault", parse_fault),
            delay=parse_directive(entry, data, "delay", parse_delay),
        )
        if "responses" in data:
            scenario = in_turn(entry, scenario, turns)
        if len(entry.source.faults) == known_faults:
            for one in answers:
                if not one.parts.entry.broken:
                    self._answers.check(entry, one)
        return scenario

    def conditions(self, entry: ConfigNode, data: Mapping[str, Any], at: Path) -> tuple[Condition, ...]:
        """The conditions of a `when` at a path in a scenario."""
        return compile_when(data, entry.context(self._request_scope, self._operation.schemas, at))

    def _assumptions(self, entry: ConfigNode, data: Sequence[Any], at: Path) -> tuple[Assumption, ...]:
        """The assumptions of a scenario: each an id, alone or with the conditions under which it counts."""
        found = []
        for index, item in enumerate(data):
            for name, when in [(item, None)] if isinstance(item, str) else item.items():
                self._operation.check_assumption(entry, name, (*at, index))
                conditions = self.conditions(entry, when, (*at, index, name)) if when is not None else ()
                found.append(Assumption(name, conditions))
        return tuple(found)

    def _alternatives(self, entry: ConfigNode) -> Iterator[Alternative]:
        yield self._alternative(entry, entry.data, (), ())
        for index, data in enumerate(entry.data.get("also", ())):
            at: Path = ("also", index)
            yield self._alternative(
                entry, data, at, self._assumptions(entry, data.get("assumed", []), (*at, "assumed"))
            )

    def _alternative(
        self, entry: ConfigNode, data: Mapping[str, Any], at: Path, assumed: tuple[Assumption, ...]
    ) -> Alternative:
        if "documented" not in data and "assumed" not in data:
            what = "a way without a source" if at else "a scenario without a source"
            entry.fault(what, "documented: HEADING, or assumed: [ID]", "neither", at=at)
        conditions = self.conditions(entry, data.get("when", {}), (*at, "when"))
        return Alternative(
            conditions,
            "documented" if "documented" in data else "assumed",
            data.get("documented"),
            assumed,
            tuple(name for name in self._operation.lookups if any(name in one.reads for one in conditions)),
        )

    # -- changes ----------------------------------------------------------------------------------

    def _changes(self, entry: ConfigNode) -> Iterator[Change]:
        single = {name: lookup for name, lookup in self._operation.lookups.items() if not lookup.many}
        for name, members in entry.data.get("then", {}).items():
            lookup = single.get(name)
            if lookup is not None:
                yield self._change(entry, lookup, members)
            elif name not in self._operation.unsound:
                entry.unknown(f"unknown lookup {name}", name, single, ("then", name))

    def _change(self, entry: ConfigNode, lookup: Lookup, members: Mapping[str, Any]) -> Change:
        """What is written to the record of a lookup: `fixed` values, and those that are rendered at each request."""
        fixed: dict[str, Any] = {}
        rendered: list[RenderedMember] = []
        declared = lookup.collection.members
        for name, value in members.items():
            at: Path = ("then", lookup.name, name)
            if name not in declared:
                entry.unknown(f"unknown member {name}", name, declared, at)
            adds = isinstance(value, dict) and list(value) == ["add"]
            template = self._template(entry, value["add"], (*at, "add")) if adds else self._template(entry, value, at)
            if not adds and template.constant is not MISSING:
                fixed[name] = template.constant
            else:
                rendered.append(RenderedMember(name, adds, template))
        written = ConfigNode(entry.source, (*entry.at, "then", lookup.name), fixed, entry.layer)
        if not written.broken:
            self._checks[lookup.collection.name](written)
        return Change(lookup, {name: fixed.get(name) for name in members}, tuple(rendered))

    def _template(self, entry: ConfigNode, value: Any, at: Path) -> Template:
        return compile_template(value, entry.context(self._answer_scope, self._operation.schemas, at))

    # -- examples ---------------------------------------------------------------------------------

    def _examples(self, entry: ConfigNode) -> Iterator[Example]:
        parameters = self._operation.parameters
        for index, data in enumerate(entry.data.get("examples", ())):
            at: Path = ("examples", index)
            for name in data.get("path", {}):
                if name not in parameters:
                    entry.unknown(f"unknown path parameter {name}", name, parameters, (*at, "path", name))
            yield Example(
                request=data.get("request", MISSING),
                before=tuple(data.get("before", ())),
                path=data.get("path", {}),
                query=data.get("query", {}),
                headers={name.lower(): value for name, value in data.get("headers", {}).items()},
                position=entry.source.position((*entry.at, *at)),
            )


# -- order --------------------------------------------------------------------------------------------


def _check_order(entries: Sequence[ConfigNode]) -> None:
    """Every scenario but the last has conditions; the last one answers whatever comes."""
    *earlier, last = entries
    if not last.broken and any("pass" in turn for turn in last.data.get("responses", ())):
        last.fault("a last scenario that stands aside", "an answer in every turn", "pass", at=("responses",))
    if ("when" in last.data or "then" in last.data) and not _has_broken_after(last):
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


def _has_broken_after(last: ConfigNode) -> bool:
    """Whether scenarios stand after the last one that are broken so much that they are not counted."""
    after = range(cast(int, last.at[1]) + 1, len(last.source.data["scenarios"]))
    return any(last.source.broken(("scenarios", index)) for index in after)
