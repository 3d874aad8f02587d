"""Scenarios: when each applies, what it answers and changes, its examples; compiled in the order of checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

from mockserver.contract.answers import AnswerCompiler, compile_fault_or_delay, with_turns
from mockserver.contract.conditions import compile_when
from mockserver.contract.layers import ConfigNode, Table, unbroken_member
from mockserver.contract.operations import OperationCompiler
from mockserver.contract.paths import Scope
from mockserver.contract.templates import compile_body, compile_template
from mockserver.core.client_advice import LANGUAGES, ClientAdvice, texts_by_language
from mockserver.core.contract import (
    Alternative,
    Assumption,
    Change,
    Example,
    RuntimeCompiler,
    Scenario,
    TemplatedMember,
)
from mockserver.core.directives import parse_delay, parse_fault
from mockserver.core.language import Condition, Template
from mockserver.core.model import MISSING, Lookup, Path
from mockserver.core.provider_verification import ProviderVerification

CheckRecord = Callable[[ConfigNode], None]
"""Reports the members of a record that break their schemas."""


def compile_scenarios(
    operation: OperationCompiler, table: Table, checks: Mapping[str, CheckRecord]
) -> tuple[Scenario, ...]:
    """The scenarios of an operation, in order; those that are broken are reported and left out.

    `checks` are those of records, by collection.
    """
    verified = operation.definition.tables["verified"]
    for name, node in verified.items():
        if name not in table:
            node.report_unknown(f"a verification of an unknown scenario {name}", name, table)
    compiler = _ScenarioCompiler(operation, checks, verified)
    compiled = [compiler.scenario(node) for node in table.values()]
    if table:
        _check_order(list(table.values()))
    return tuple(scenario for scenario in compiled if scenario is not None)


def runtime_compiler(operation: OperationCompiler, checks: Mapping[str, CheckRecord]) -> RuntimeCompiler:
    """The compiler of scenarios and conditions that are added at run time."""
    compiler = _ScenarioCompiler(operation, checks)
    return RuntimeCompiler(lambda node: compiler.conditions(node, node.data, ()), compiler.scenario)


class _ScenarioCompiler:
    """Compiles scenarios of one operation; `verified` has what was found of those from files."""

    def __init__(
        self, operation: OperationCompiler, checks: Mapping[str, CheckRecord], verified: Table | None = None
    ) -> None:
        self._verified = verified or {}
        self._operation = operation
        self._checks = checks
        self._request_scope = Scope(operation.roots(), operation.member_names, secrets=operation.secrets)
        many = [name for name, lookup in operation.lookups.items() if lookup.is_list]
        self._answer_scope = self._request_scope._replace(
            roots=(*operation.roots(), "now", "violation", *operation.new_root()),
            certain=self._request_scope.certain | {"path"},
            list_lookups=frozenset([*many, *operation.unsound]),
        )
        self._answers = AnswerCompiler(operation, self._answer_scope)

    def scenario(self, node: ConfigNode) -> Scenario | None:
        """Compile a scenario; None if what was reported leaves it without an answer."""
        if node.is_broken:
            return None
        data, known_broken = node.data, len(node.source.broken_paths)
        turns = self._answers.turns(node)
        alternatives = tuple(self._alternatives(node))
        assumed = self._assumptions(node, data.get("assumed", []), ("assumed",))
        changes = tuple(self._changes(node))
        answers = [turn.answer for turn in turns if turn.answer is not None]
        if not answers:
            return None
        answer = answers[0]
        rendered = [member.template for change in changes for member in change.rendered]
        scenario = Scenario(
            id=data["scenario"],
            operation=self._operation.name,
            provenance=alternatives[0].provenance,
            heading=alternatives[0].heading,
            notes=_by_language(node, "note"),
            client_advice=_client_advice(node),
            code=answer.code,
            verified=self._verification(data["scenario"]),
            assumed=assumed,
            alternatives=alternatives,
            envelope=answer.envelope,
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
            compiled_body=compile_body(answer.body),
            changes=changes,
            new_ids=answer.new_ids.union(*(template.new for template in rendered)),
            examples=tuple(self._examples(node)),
            position=node.position,
            fault=compile_fault_or_delay(node, data, "fault", parse_fault),
            delay=compile_fault_or_delay(node, data, "delay", parse_delay),
        )
        if "responses" in data:
            scenario = with_turns(node, scenario, turns)
        if len(node.source.broken_paths) == known_broken:
            for one in answers:
                if not one.envelope_node.is_broken:
                    self._answers.check(node, one)
        return scenario

    def _verification(self, name: str) -> ProviderVerification | None:
        node = unbroken_member(self._verified, name)
        return ProviderVerification(**node.data) if node is not None else None

    def conditions(self, node: ConfigNode, data: Mapping[str, Any], at: Path) -> tuple[Condition, ...]:
        """The conditions of a `when` at a path in a scenario."""
        return compile_when(data, node.context(self._request_scope, self._operation.schemas, at))

    def _assumptions(self, node: ConfigNode, data: Sequence[Any], at: Path) -> tuple[Assumption, ...]:
        """The assumptions of a scenario: each an id, alone or with the conditions under which it counts."""
        found = []
        for index, item in enumerate(data):
            for name, when in [(item, None)] if isinstance(item, str) else item.items():
                self._operation.check_assumption(node, name, (*at, index))
                conditions = self.conditions(node, when, (*at, index, name)) if when is not None else ()
                found.append(Assumption(name, conditions))
        return tuple(found)

    def _alternatives(self, node: ConfigNode) -> Iterator[Alternative]:
        yield self._alternative(node, node.data, (), ())
        for index, data in enumerate(node.data.get("also", ())):
            at: Path = ("also", index)
            yield self._alternative(node, data, at, self._assumptions(node, data.get("assumed", []), (*at, "assumed")))

    def _alternative(
        self, node: ConfigNode, data: Mapping[str, Any], at: Path, assumed: tuple[Assumption, ...]
    ) -> Alternative:
        if "documented" not in data and "assumed" not in data:
            what = "an alternative without a source" if at else "a scenario without a source"
            node.report_error(what, "documented: HEADING, or assumed: [ID]", "neither", at=at)
        conditions = self.conditions(node, data.get("when", {}), (*at, "when"))
        return Alternative(
            conditions,
            "documented" if "documented" in data else "assumed",
            data.get("documented"),
            assumed,
            tuple(name for name in self._operation.lookups if any(name in one.reads for one in conditions)),
        )

    # -- changes ----------------------------------------------------------------------------------

    def _changes(self, node: ConfigNode) -> Iterator[Change]:
        single = {name: lookup for name, lookup in self._operation.lookups.items() if not lookup.is_list}
        for name, members in node.data.get("then", {}).items():
            lookup = single.get(name)
            if lookup is not None:
                yield self._change(node, lookup, members)
            elif name not in self._operation.unsound:
                node.report_unknown(f"unknown lookup {name}", name, single, ("then", name))

    def _change(self, node: ConfigNode, lookup: Lookup, members: Mapping[str, Any]) -> Change:
        """Compile a change to the record of a lookup: `fixed` values, and those rendered for each request."""
        fixed: dict[str, Any] = {}
        rendered: list[TemplatedMember] = []
        declared = lookup.collection.members
        for name, value in members.items():
            at: Path = ("then", lookup.name, name)
            if name not in declared:
                node.report_unknown(f"unknown member {name}", name, declared, at)
            adds = isinstance(value, dict) and list(value) == ["add"]
            template = self._template(node, value["add"], (*at, "add")) if adds else self._template(node, value, at)
            if not adds and template.constant is not MISSING:
                fixed[name] = template.constant
            else:
                rendered.append(TemplatedMember(name, adds, template))
        written = ConfigNode(node.source, (*node.at, "then", lookup.name), fixed, node.layer)
        if not written.is_broken:
            self._checks[lookup.collection.name](written)
        return Change(lookup, {name: fixed.get(name) for name in members}, tuple(rendered))

    def _template(self, node: ConfigNode, value: Any, at: Path) -> Template:
        return compile_template(value, node.context(self._answer_scope, self._operation.schemas, at))

    # -- examples ---------------------------------------------------------------------------------

    def _examples(self, node: ConfigNode) -> Iterator[Example]:
        parameters = self._operation.parameters
        for index, data in enumerate(node.data.get("examples", ())):
            at: Path = ("examples", index)
            for name in data.get("path", {}):
                if name not in parameters:
                    node.report_unknown(f"unknown path parameter {name}", name, parameters, (*at, "path", name))
            yield Example(
                body=data.get("request", MISSING),
                bodies_before=tuple(data.get("before", ())),
                path=data.get("path", {}),
                query=data.get("query", {}),
                headers={name.lower(): value for name, value in data.get("headers", {}).items()},
                position=node.source.position((*node.at, *at)),
            )


def _client_advice(node: ConfigNode) -> ClientAdvice:
    """The advice of a scenario; warns where a reader of one language gets none."""
    reason, advice = (_by_language(node, name) for name in ("reason", "advice"))
    return ClientAdvice(reason, advice, node.data.get("retry"))


def _by_language(node: ConfigNode, name: str) -> Mapping[str, str]:
    """A text by language; one that is written without a language is English on purpose."""
    texts = texts_by_language(node.data.get(name, {}))
    if isinstance(node.data.get(name), str):
        return texts
    missing = [language for language in LANGUAGES if language not in texts]
    if texts and missing:
        node.warn(
            f"the {name} of {node.data['scenario']} is in one language only",
            f"{name} in {' and '.join(LANGUAGES)}",
            " and ".join(texts),
            f"add {missing[0]}: …",
            (name,),
        )
    return texts


# -- order --------------------------------------------------------------------------------------------


def _check_order(nodes: Sequence[ConfigNode]) -> None:
    """Every scenario but the last has conditions; the last one answers whatever comes."""
    *earlier, last = nodes
    if not last.is_broken and any("pass" in turn for turn in last.data.get("responses", ())):
        last.report_error("a last scenario that stands aside", "an answer in every turn", "pass", at=("responses",))
    if ("when" in last.data or "then" in last.data) and not _has_broken_after(last):
        last.report_error(
            "no final scenario without conditions",
            "a last scenario that has neither when nor then",
            last.data["scenario"],
            "add one that answers whatever no other scenario of the operation does",
        )
    for node in earlier:
        if "when" not in node.data and not node.is_broken:
            node.report_error(
                "a scenario without conditions before others",
                "when, in every scenario but the last",
                node.data["scenario"],
                "none of those after it could ever answer",
            )


def _has_broken_after(last: ConfigNode) -> bool:
    """Whether broken scenarios follow the last one, which were left out."""
    after = range(cast(int, last.at[1]) + 1, len(last.source.data["scenarios"]))
    return any(last.source.is_broken(("scenarios", index)) for index in after)
