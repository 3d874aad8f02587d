"""Templates: values with references (`${body.name}`, `first_of`, `each`), compiled to render JSON for a request."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from msgspec import structs

from mockserver.base.values import encode_ascii_json, encode_json, is_empty, kind
from mockserver.contract.paths import Context, Extract, compile_path, is_secret
from mockserver.core.language import CompiledBody, Template
from mockserver.core.model import MISSING, Facts, Path

RESPOND: Final = "${respond}"
"""Where in the body of an envelope the part of a scenario stands."""

_REFERENCE: Final = re.compile(r"\$\{([^{}]*)\}")


def compile_template(data: Any, context: Context, respond: Template | None = None) -> Template:
    """The compiled form of a YAML value; what is wrong in it is reported, each at its place.

    `respond` stands where the text `${respond}` is, in an envelope.
    """
    if isinstance(data, str):
        return _compile_text(data, context, respond)
    if isinstance(data, list):
        return _compile_array(
            [compile_template(item, context.below(index), respond) for index, item in enumerate(data)]
        )
    if isinstance(data, dict):
        if "first_of" in data:
            return _compile_first_of(data, context)
        if "each" in data or "give" in data:
            return _compile_each(data, context)
        return _compile_object(
            {name: compile_template(value, context.below(name), respond) for name, value in data.items()}
        )
    return constant(data)


def place_of_respond(body: Any, at: Path = ()) -> Path | None:
    """Where the part of a scenario stands in the body of an envelope, as files have it; None if there is no place."""
    if body == RESPOND:
        return at
    steps = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    found = (place_of_respond(value, (*at, step)) for step, value in steps)
    return next((place for place in found if place is not None), None)


def constant(value: Any) -> Template:
    """A template without references."""
    return Template(render=lambda _facts: value, constant=value)


# -- objects, arrays, texts ---------------------------------------------------------------------------


def _compile_object(members: Mapping[str, Template]) -> Template:
    if all(member.constant is not MISSING for member in members.values()):
        return constant({name: member.constant for name, member in members.items()})

    def render(facts: Facts) -> Any:
        values = {name: member.render(facts) for name, member in members.items()}
        return {name: value for name, value in values.items() if value is not MISSING}

    return replace(_combined(render, [*members.values()]), members=members)


def _compile_array(items: Sequence[Template]) -> Template:
    if all(item.constant is not MISSING for item in items):
        return constant([item.constant for item in items])

    def render(facts: Facts) -> Any:
        return [value for item in items if (value := item.render(facts)) is not MISSING]

    return replace(_combined(render, items), items=tuple(items))


def _compile_text(data: str, context: Context, respond: Template | None) -> Template:
    if "${" not in data:
        return constant(data)
    if data == RESPOND and respond is not None:
        return respond
    reference = _REFERENCE.fullmatch(data)
    if reference:  # keeps its type
        return _compile_reference(reference[1], context)
    split = _REFERENCE.split(data)
    texts, references = split[::2], split[1::2]
    if any("${" in text for text in texts):
        context.report_error("a reference that does not end", "${path}", encode_ascii_json(data))
        return constant(data)
    parts = [_compile_reference(text, context) for text in references]

    def render(facts: Facts) -> Any:
        values = [part.render(facts) for part in parts]
        if MISSING in values:
            return MISSING
        rendered = [value if isinstance(value, str) else encode_ascii_json(value) for value in values]
        return "".join(text + value for text, value in zip(texts, [*rendered, ""], strict=True))

    return _combined(render, parts)


def _combined(render: Extract, parts: Sequence[Template]) -> Template:
    """A template of several parts: it reads what they read, and is certain if all of them are."""
    return Template(
        render,
        frozenset[str]().union(*(part.reads for part in parts)),
        all(part.certain for part in parts),
        new=frozenset[str]().union(*(part.new for part in parts)),
    )


# -- references ---------------------------------------------------------------------------------------


def _compile_reference(text: str, context: Context) -> Template:
    place = compile_path(text, context)
    if place is None:
        return constant(None)
    scope = context.scope
    if is_secret(place, scope):
        context.report_error(
            f"{text} is a secret", "a member that may be shown", text, "secrets are never answered or kept"
        )
    certain_root = place.root in scope.certain
    if certain_root and not place.steps:
        names = ", ".join(scope.member_names(place.root, ()).names)
        context.report_error(f"{text} is no value", f"{text}.NAME, one of {names}", text)
    return Template(
        place.extract,
        reads=frozenset({place.root}),
        certain=certain_root and len(place.steps) == 1,
        new=frozenset(place.steps[:1] if place.root == "new" else ()),
    )


def _has_only(data: Mapping[str, Any], names: tuple[str, ...], context: Context) -> bool:
    for name in data:
        if name not in names:
            context.below(name).report_unknown(f"unknown member {name}", name, names)
            return False
    return True


def _compile_first_of(data: Mapping[str, Any], context: Context) -> Template:
    """The first choice that has a value; the last one always has."""
    if not _has_only(data, ("first_of",), context):
        return constant(None)
    choices, context = data["first_of"], context.below("first_of")
    if not isinstance(choices, list) or not choices:
        context.report_error("first_of without choices", "a list of values, the last one certain", kind(choices))
        return constant(None)
    compiled = [compile_template(choice, context.below(index)) for index, choice in enumerate(choices)]
    *earlier, last = compiled
    if not last.certain:
        context.below(len(earlier)).report_error(
            "the last choice of first_of may be missing",
            "a plain value, or a reference to new, now, settings or path",
            encode_ascii_json(choices[-1]),
            "a scenario can be forced on any request, so its answer must not depend on one",
        )

    def render(facts: Facts) -> Any:
        for choice in earlier:
            value = choice.render(facts)
            if value is not MISSING and not is_empty(value):
                return value
        return last.render(facts)

    return replace(_combined(render, compiled), certain=last.certain)


def _compile_each(data: Mapping[str, Any], context: Context) -> Template:
    """A list with one value (`give`) for each record of a list lookup."""
    if not _has_only(data, ("each", "give"), context):
        return constant(None)
    name, many = data.get("each"), context.scope.list_lookups
    if not isinstance(name, str) or name not in many or "give" not in data:
        (context.below("each") if "each" in data else context).report_error(
            "each needs a lookup of many records, and give",
            f"each: one of {', '.join(sorted(many)) or 'the lookups with keys (there are none)'}",
            encode_ascii_json(name) if "give" in data else "no give",
        )
        return constant(None)
    inside = context.below("give")._replace(scope=context.scope.with_item(name))
    give = compile_template(data["give"], inside)

    def render(facts: Facts) -> Any:
        records = facts.records.get(name, MISSING)
        if records is MISSING:
            return []
        return [value for item in records if (value := give.render(structs.replace(facts, item=item))) is not MISSING]

    return Template(render, give.reads | {name}, new=give.new)


# -- bodies -------------------------------------------------------------------------------------------


def compile_body(template: Template) -> CompiledBody:
    """Compile a body to a format: constant bytes, encoded once, and the values between them."""
    texts: list[bytes] = []
    values: list[Extract] = []
    _append_parts(template, texts, values)
    return CompiledBody(b"".join(texts), tuple(values))


def _append_parts(template: Template, texts: list[bytes], values: list[Callable[[Facts], Any]]) -> None:
    if template.constant is not MISSING:
        texts.append(_literal(template.constant))
    elif template.members is not None and template.certain:
        for index, (name, member) in enumerate(template.members.items()):
            texts.append((b"," if index else b"{") + _literal(name) + b":")
            _append_parts(member, texts, values)
        texts.append(b"}")
    elif template.items is not None and template.certain:
        for index, item in enumerate(template.items):
            texts.append(b"," if index else b"[")
            _append_parts(item, texts, values)
        texts.append(b"]")
    else:
        texts.append(b"%b")
        values.append(template.render)


def _literal(value: Any) -> bytes:
    """The JSON of a value, with `%` escaped for the format."""
    return encode_json(value).replace(b"%", b"%%")


def render_body(form: CompiledBody, facts: Facts) -> bytes:
    """The JSON of a body for a request."""
    return form.text % tuple([encode_json(value(facts)) for value in form.values])
