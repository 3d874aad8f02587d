"""An answer of the provider compared with the answer that the contract renders; pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from msgspec.structs import replace

from mockserver.base.instants import has_wrong_instant
from mockserver.base.json_pointer import json_pointer
from mockserver.base.not_json import NotJsonError
from mockserver.base.values import MAX_REQUEST_DEPTH, decode_json, duplicate_members, equal, kind, printable
from mockserver.contract.templates import constant, place_of_respond
from mockserver.core.contract import Contract
from mockserver.core.language import Template
from mockserver.core.model import MISSING, Path
from mockserver.core.reply import Decision, Headers, Reply
from mockserver.privacy.masks import mask_at, mask_text_body, mask_value
from mockserver.privacy.secrets import Secrets

Kind: TypeAlias = Literal[
    "status", "redirect", "header", "not-json", "missing", "extra", "type", "value", "form", "repeated", "no-answer"
]

_MAX_EXCERPT: Final = 120
"""Characters of a body that is no JSON, as a report shows it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider answered."""

    status: int
    headers: Headers
    body: bytes

    def header(self, name: str) -> tuple[str, ...]:
        """The values of a header in any case of its letters."""
        return tuple(value for one, value in self.headers if one.lower() == name.lower())


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as the contract says: where, of which kind, what was expected, what came."""

    at: str
    kind: Kind
    expected: Any
    came: Any


def differences(reply: Reply, answer: Answer, secrets: Secrets) -> tuple[Difference, ...]:
    """What differs between the mock's reply to a request and the provider's answer to the same request.

    Texts, codes and echoes are compared by value; instants and new ids by their form; what rests on the mock's own
    records or wording by its type. `reply` has a decision.
    """
    return (*_head_differences(reply, answer), *_body_differences(reply, answer, secrets))


def _head_differences(reply: Reply, answer: Answer) -> Iterator[Difference]:
    if 300 <= answer.status < 400 and answer.status != reply.status:
        location = next(iter(answer.header("location")), "").partition("?")[0]
        came = f"{answer.status} to {printable(location, _MAX_EXCERPT)}" if location else answer.status
        yield Difference("status", "redirect", reply.status, came)
    elif answer.status != reply.status:
        yield Difference("status", "status", reply.status, answer.status)
    for name, value in reply.all_headers:
        if not name.startswith("Mock-"):
            yield from _header_differences(name, value, answer, _is_constant_header(name, reply.decision))


def _header_differences(name: str, expected: str, answer: Answer, is_literal: bool) -> Iterator[Difference]:
    came = answer.header(name)
    compare = _media_type if name.lower() == "content-type" else str
    if not came or (is_literal and any(compare(value) != compare(expected) for value in came)):
        shown = printable(", ".join(came), _MAX_EXCERPT) if came else None
        yield Difference(f"header {name}", "header", expected, shown)


def _is_constant_header(name: str, decision: Decision | None) -> bool:
    headers = decision.scenario.headers if decision is not None else ()
    return all(header.value.constant is not MISSING for header in headers if header.name == name)


def _media_type(value: str) -> str:
    return value.partition(";")[0].strip().lower()


def _body_differences(reply: Reply, answer: Answer, secrets: Secrets) -> Iterator[Difference]:
    decision = reply.decision
    if decision is None:
        return
    try:
        came = decode_json(answer.body, MAX_REQUEST_DEPTH)
    except NotJsonError:
        text = mask_text_body(answer.body, secrets).decode("utf-8", "replace")
        yield Difference("body", "not-json", "JSON", printable(" ".join(text.split()), _MAX_EXCERPT))
        return
    template, facts = decision.scenario.body, decision.facts
    comparison = _BodyComparison(decision, secrets)
    yield from comparison.differences(template, template.render(facts), came, ())
    for at in duplicate_members(answer.body):
        yield Difference(place_in_body(at), "repeated", "once", "more than once")


def places_of_values(decision: Decision, secrets: Secrets) -> Iterator[Path]:
    """The places of the body that are compared by value: texts, numbers and booleans of the contract, and echoes."""
    comparison = _BodyComparison(decision, secrets)
    template = decision.scenario.body
    yield from comparison.places_of_values(template, template.render(decision.facts), ())


class _BodyComparison:
    """The comparison of one body, part by part along the template that renders it."""

    def __init__(self, decision: Decision, secrets: Secrets) -> None:
        facts = decision.facts
        self._other_ids = replace(facts, new={name: f"{value}0" for name, value in facts.new.items()})
        self._prefixes = {new.name: new.prefix for new in decision.operation.id_rules}
        self._sent = [*scalars(facts.body)]
        self._sent += [*facts.header.values(), *facts.query.values(), *facts.path.values()]
        self._secrets = secrets

    def differences(self, template: Template, expected: Any, came: Any, at: Path) -> Iterator[Difference]:
        if kind(expected) != kind(came):
            yield self._difference(at, "type", expected, came)
            return
        parts = _parts(template)
        if parts is None:
            found = None if equal(expected, came) else self._leaf_kind(template, expected, came)
            if found is not None:
                yield self._difference(at, found, expected, came)
            return
        expected, came = _members(expected), _members(came)
        for step, value in expected.items():
            if step in came:
                yield from self.differences(parts[step], value, came[step], (*at, step))
            else:
                yield self._difference((*at, step), "missing", value, None)
        for step in came:
            if step not in expected:
                yield self._difference((*at, step), "extra", None, came[step])

    def _leaf_kind(self, template: Template, expected: Any, came: Any) -> Kind | None:
        """How two different values of one type differ; None if both are as the contract says."""
        if template.constant is not MISSING:
            return "value"
        if not isinstance(expected, str):
            return "value" if self._is_echo(expected) else None
        if "now" in template.reads:
            is_sound = not has_wrong_instant(came) or has_wrong_instant(expected)
            return None if is_sound and _instant_form(came) == _instant_form(expected) else "form"
        if template.new and not equal(template.render(self._other_ids), expected):
            forms = (re.escape(self._prefixes[name]) + "[0-9]+" for name in template.new)
            return None if any(re.fullmatch(form, came) for form in forms) else "form"
        return "value" if self._is_echo(expected) else None

    def places_of_values(self, template: Template, expected: Any, at: Path) -> Iterator[Path]:
        parts = _parts(template)
        if parts is not None:
            for step, value in _members(expected).items():
                yield from self.places_of_values(parts[step], value, (*at, step))
        elif template.constant is not MISSING or self._is_echo(expected):
            yield at

    def _is_echo(self, value: Any) -> bool:
        """Whether a value stands in the request."""
        return any(equal(value, sent) for sent in self._sent)

    def _difference(self, at: Path, found: Kind, expected: Any, came: Any) -> Difference:
        if self._secrets.covers("body", tuple(map(str, at))):
            came = mask_value(came)
        elif isinstance(came, dict | list):
            came = mask_at(came, self._secrets.find(came))
        return Difference(place_in_body(at), found, expected, came)


def place_in_body(at: Path) -> str:
    """A place of the body as differences name it."""
    return f"body {json_pointer(at)}".rstrip()


def _parts(template: Template) -> Mapping[str | int, Template] | None:
    """The templates of the members or items of a value; None where it has none, or rests on the request as a whole."""
    if isinstance(template.constant, dict | list):
        return {step: constant(value) for step, value in _members(template.constant).items()}
    if template.members is not None:
        return dict(template.members.items())
    return _members(template.items) if template.items is not None and template.certain else None


def _members(value: Any) -> dict[str | int, Any]:
    """The members of an object, or the items of an array by index."""
    return dict(value) if isinstance(value, Mapping) else dict(enumerate(value))


def _instant_form(text: str) -> str:
    """A text without its digits and the sign of an offset.

    Decimals count in groups of three, as some providers leave out zeros at the end.
    """
    form = re.sub("[0-9]", "0", text)
    form = re.sub("[+-](?=00:?00$)", "+", form)
    return re.sub(r"\.0+", lambda found: "." + "000" * math.ceil((len(found[0]) - 1) / 3), form)


def scalars(value: Any) -> Iterator[Any]:
    """Every text and number in a JSON value."""
    if isinstance(value, Mapping):
        for member in value.values():
            yield from scalars(member)
    elif isinstance(value, list):
        for item in value:
            yield from scalars(item)
    elif value is not MISSING and value is not None and not isinstance(value, bool):
        yield value


def own_place(contract: Contract, operation: str, envelope: str) -> Path | None:
    """Where in the body of an envelope the part stands that is the outcome's own; None if there is no such part."""
    return place_of_respond(envelope_definition(contract, operation, envelope)["body"])


def envelope_definition(contract: Contract, operation: str, envelope: str) -> Mapping[str, Any]:
    """An envelope as the files have it."""
    found: Mapping[str, Any] = contract.definition["contract"]["operations"][operation]["envelopes"][envelope]
    return found
