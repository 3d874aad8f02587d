"""The answers of a scenario: one, or several in turn, each an envelope with its values, checked against its schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple, TypeVar

from mockserver.base.values import MAX_OWN_DEPTH, decode_json, encode_ascii_json
from mockserver.contract.layers import ConfigNode
from mockserver.contract.operations import OperationCompiler
from mockserver.contract.paths import Context, Scope
from mockserver.contract.templates import compile_body, compile_template, constant, render_body
from mockserver.core.contract import Envelope, ResponseHeader, Scenario, Turn, Turns
from mockserver.core.directives import DirectiveError, parse_delay, parse_fault
from mockserver.core.language import Template, Validator
from mockserver.core.model import MISSING, Facts, Path
from mockserver.schema.violations import mismatch_of

RESERVED_HEADERS: Final = (
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "server",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
)
"""Headers that the server writes itself."""

_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE: Final = re.compile(r"[\x20-\x7e]*")


class CompiledAnswer(NamedTuple):
    """One compiled answer, its envelope and where that stands, and where the answer stands in its scenario."""

    envelope: Envelope
    envelope_node: ConfigNode
    at: Path
    status: Template
    body: Template
    headers: tuple[ResponseHeader, ...]
    code: str | None

    @property
    def new_ids(self) -> frozenset[str]:
        """The names of the new ids that it has."""
        return self.body.new.union(*(header.value.new for header in self.headers))


class CompiledTurn(NamedTuple):
    """What a scenario answers in one turn: what the file says of it, where, and the answer; None if it stands aside."""

    data: Mapping[str, Any]
    at: Path
    answer: CompiledAnswer | None


class AnswerCompiler:
    """Compiles the answers of one operation's scenarios; `scope` is what they may refer to."""

    def __init__(self, operation: OperationCompiler, scope: Scope) -> None:
        self._operation = operation
        self._scope = scope

    def turns(self, node: ConfigNode) -> tuple[CompiledTurn, ...]:
        """The answers of a scenario: the one of `respond`, or those of `responses`; none after a report."""
        data = node.data
        if ("respond" in data) == ("responses" in data):
            got = "both" if "respond" in data else "neither"
            node.report_error("a scenario without one answer", "respond, or responses: several in turn", got)
            return ()
        if "respond" in data:
            return (CompiledTurn({}, (), self._answer(node, data["respond"], ("respond",))),)
        if "then" in data:
            hint = "let a scenario before it answer in turn and then pass"
            node.report_error("answers in turn that change state", "no then beside responses", "then", hint, ("then",))
        responses = data["responses"]
        turns = tuple(self._turn(node, turn, ("responses", index)) for index, turn in enumerate(responses))
        if all("pass" in turn for turn in responses):
            node.report_error(
                "answers in turn without an answer", "respond in at least one turn", "pass", at=("responses",)
            )
        return turns

    def _turn(self, node: ConfigNode, data: Mapping[str, Any], at: Path) -> CompiledTurn:
        if ("respond" in data) == ("pass" in data):
            node.report_error(
                "a turn without one answer", "respond, or pass: true", "both" if "pass" in data else "neither", at=at
            )
        answer = self._answer(node, data["respond"], (*at, "respond")) if "respond" in data else None
        return CompiledTurn(data, at, answer)

    def _answer(self, node: ConfigNode, data: Mapping[str, Any], at: Path) -> CompiledAnswer | None:
        operation = self._operation
        names = [name for name in data if name not in ("status", "headers")]
        declared = operation.definition.tables["envelopes"]
        if len(names) != 1:
            got = ", ".join(names) or "none"
            node.report_error("respond without one envelope", f"one of {', '.join(declared)}", got, at=at)
            return None
        name = names[0]
        headers = tuple(self._headers(node, data.get("headers", {}), (*at, "headers")))
        at = (*at, name)
        if name not in declared and declared:
            node.report_unknown(f"unknown envelope {name}", name, declared, at)
        compiled = operation.envelopes.get(name)
        if compiled is None:
            return None
        envelope_node, envelope = compiled
        respond = compile_template(data[name], node.context(self._scope, operation.schemas, at))
        _report_uncertain(node, respond, data[name], at)
        silent = Context(operation.body_scope(), operation.schemas, _ignore)
        body = compile_template(envelope_node.data["body"], silent, respond)
        place = envelope_node.data.get("code")
        code = _code_at(body, place.split(".")) if place is not None else None
        if place is not None and code is None:
            node.warn(
                f"an answer without a code at {place}",
                "a text or an integer that is the same for every request",
                "none",
                f"it cannot be named by its code; the place is that of the envelope {name}",
                at,
            )
        return CompiledAnswer(
            envelope,
            envelope_node,
            at,
            envelope.status if data.get("status") is None else constant(data["status"]),
            body,
            headers,
            code,
        )

    def _headers(self, node: ConfigNode, data: Mapping[str, Any], at: Path) -> Iterator[ResponseHeader]:
        names: set[str] = set()
        for name, value in data.items():
            place, lower = (*at, name), name.lower()
            if not _HEADER_NAME.fullmatch(name):
                expected = "letters, digits and hyphens, such as X-Request-Id"
                node.report_error("a bad header name", expected, encode_ascii_json(name), at=place)
            elif lower in RESERVED_HEADERS or lower.startswith("mock-"):
                expected = f"a header other than {', '.join(RESERVED_HEADERS)}, mock-*"
                node.report_error("a header of the server's own", expected, name, at=place)
            elif lower in names:
                node.report_error("a header twice", "each name once, in any case", name, at=place)
            names.add(lower)
            template = compile_template(value, node.context(self._scope, self._operation.schemas, place))
            _report_uncertain(node, template, value, place)
            if isinstance(value, str) and not _HEADER_VALUE.fullmatch(value):
                node.report_error(
                    "a bad header value", "visible ASCII characters and blanks", encode_ascii_json(value), at=place
                )
            yield ResponseHeader(name, template)

    def check(self, node: ConfigNode, answer: CompiledAnswer) -> None:
        """Report an answer that breaks a schema for a request that has nothing in it: it can be forced on any."""
        self._check_against(answer.envelope.validator, node, answer, "schema")
        self._check_against(answer.envelope.open_validator, node, answer, "open_schema", opaque_prefix="other-")

    def _check_against(
        self,
        validator: Validator | None,
        node: ConfigNode,
        answer: CompiledAnswer,
        member: str,
        opaque_prefix: str = "",
    ) -> None:
        """Report an answer that breaks the schema in a member of its envelope.

        `opaque_prefix` stands before ids that are opaque: the schema must allow any form of them.
        """
        if validator is None:
            return
        operation = self._operation
        facts = Facts(
            operation.settings,
            path={name: name for name in operation.parameters},
            new={new.name: f"{opaque_prefix * new.is_opaque}{new.prefix}{new.first}" for new in operation.new},
            records={name: [] if lookup.is_list else MISSING for name, lookup in operation.lookups.items()},
        )
        body = decode_json(render_body(compile_body(answer.body), facts), MAX_OWN_DEPTH)
        for violation in validator.violations("answer", body):
            words = mismatch_of(violation, body)
            node.report_error(
                f"an answer that breaks its schema at {violation.where}",
                words.expected,
                words.got,
                words.hint or f"it is the {member} of the envelope {answer.envelope.name}",
                answer.at,
            )


def _code_at(body: Template, place: Sequence[str]) -> str | None:
    """The code at a place in a body; None if there is none, or it depends on the request."""
    if not place:
        code = body.constant
        return str(code) if isinstance(code, str | int) and not isinstance(code, bool) else None
    if body.members is not None:
        return _code_at(body.members[place[0]], place[1:]) if place[0] in body.members else None
    if isinstance(body.constant, dict) and place[0] in body.constant:
        return _code_at(constant(body.constant[place[0]]), place[1:])
    return None


def _ignore(_diagnostic: object) -> None:
    """What is wrong in an envelope was reported when the envelope was compiled."""


def _report_uncertain(node: ConfigNode, template: Template, data: Any, at: Path) -> None:
    """Report each reference that may have no value, unless it was already reported."""
    if template.certain or node.source.is_broken((*node.at, *at)):
        return
    for name, member in (template.members or {}).items():
        _report_uncertain(node, member, data[name], (*at, name))
    for index, item in enumerate(template.items or ()):
        _report_uncertain(node, item, data[index], (*at, index))
    if template.members is None and template.items is None:
        node.report_error(
            "an answer that may lack a value",
            "a reference that is certain",
            encode_ascii_json(data),
            "write {first_of: [..., something certain]}: a scenario can be forced on any request",
            at,
        )


# -- scenarios with several answers -------------------------------------------------------------------


def with_turns(node: ConfigNode, scenario: Scenario, turns: Iterable[CompiledTurn]) -> Scenario:
    """A scenario that answers in turn; forced, it answers as in its first turn that has an answer."""
    series = tuple(Turn(_scenario_of_turn(node, scenario, turn), times=turn.data.get("times", 1)) for turn in turns)
    first = next((turn.scenario for turn in series if turn.scenario is not None), scenario)
    return replace(first, turns=Turns(series, node.data.get("repeat") == "cycle"))


def _scenario_of_turn(node: ConfigNode, scenario: Scenario, turn: CompiledTurn) -> Scenario | None:
    """The scenario as it answers in one turn; None if it stands aside."""
    answer = turn.answer
    if answer is None:
        return None
    return replace(
        scenario,
        envelope=answer.envelope,
        status=answer.status,
        headers=answer.headers,
        body=answer.body,
        compiled_body=compile_body(answer.body),
        new_ids=answer.new_ids,
        code=answer.code,
        fault=compile_fault_or_delay(node, turn.data, "fault", parse_fault, turn.at) or scenario.fault,
        delay=compile_fault_or_delay(node, turn.data, "delay", parse_delay, turn.at) or scenario.delay,
    )


_Directive = TypeVar("_Directive")


def compile_fault_or_delay(
    node: ConfigNode, data: Mapping[str, Any], name: str, parse: Callable[[Any], _Directive], at: Path = ()
) -> _Directive | None:
    """A fault or a delay, None if there is none; what cannot be understood is reported."""
    if name not in data:
        return None
    try:
        return parse(data[name])
    except DirectiveError as error:
        report_directive(node, f"a {name} that cannot be understood", error, (*at, name))
        return None


def report_directive(node: ConfigNode, what: str, error: DirectiveError, at: Path = ()) -> None:
    """Report a directive that cannot be parsed."""
    expected, _, rest = str(error).removeprefix("expected ").partition(", got ")
    got, _, spelt = rest.partition(". Did you mean ")
    node.report_error(what, expected, got, f"did you mean {spelt}" if spelt else "", at)
