"""Outcomes into bytes and headers, and all wording that clients are shown: diagnosis, problems, masks.

Knows envelopes as templates and headers as pairs; it knows no HTTP library and decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from mockserver.contract import BodyForm, Contract, Decision, Reply, Template
from mockserver.model import MISSING, Facts, Violation, Warn, make
from mockserver.values import printable, write, write_ascii, write_to_keep

MOST_SHOWN: Final = 10
"""Violations and warnings shown in a header; the rest are counted."""

LONGEST_LIST: Final = 3_000
"""Characters of violations and of warnings in a header; many clients read no header of more than 8 KiB."""

LONGEST_POINTER: Final = 120
LONGEST_MESSAGE: Final = 240

PROBLEM: Final = "urn:mockserver:problem:"
"""What the `type` of every problem begins with (RFC 9457)."""

MOCK_HEADERS: Final[Mapping[str, str]] = {
    "Mock-Scenario": "The scenario that answered.",
    "Mock-Source": "documented or assumed.",
    "Mock-Assumed": "The open points that the answer rests on.",
    "Mock-Trigger": "values, state (it rested on a record that an earlier request wrote), header (forced), armed, or "
    "default (a scenario without conditions).",
    "Mock-Contract": "The hash of the loaded contract.",
    "Mock-Entry": "The id of the journal entry.",
    "Mock-Cause": "With the trigger state: the entry of the request that wrote the record.",
    "Mock-Violations": "What JSON Schema found wrong: an ASCII JSON array of pointer, keyword, message (and in, where "
    'it is not the body); at most ten, then {"more": N}; never a value of the request.',
    "Mock-Warnings": "What was accepted but probably not meant, in the same form.",
}
"""What the mock says about an answer, in its headers."""


# -- bodies ---------------------------------------------------------------------------------------


def form_of(template: Template) -> BodyForm:
    """A body cut into the bytes that are always the same and the values in between."""
    found: list[bytes] = []
    values: list[Callable[[Facts], Any]] = []
    _cut(template, found, values)
    return BodyForm(b"".join(found), tuple(values))


def _cut(template: Template, found: list[bytes], values: list[Callable[[Facts], Any]]) -> None:
    if template.constant is not MISSING:
        found.append(_literal(write(template.constant)))
    elif template.members is not None and template.certain:
        for index, (name, member) in enumerate(template.members.items()):
            found.append((b"," if index else b"{") + _literal(write(name)) + b":")
            _cut(member, found, values)
        found.append(b"}")
    elif template.items is not None and template.certain:
        for index, item in enumerate(template.items):
            found.append(b"," if index else b"[")
            _cut(item, found, values)
        found.append(b"]")
    else:
        found.append(b"%b")
        values.append(template.render)


def _literal(text: bytes) -> bytes:
    return text.replace(b"%", b"%%")


def body_of(form: BodyForm, facts: Facts) -> bytes:
    """The JSON of a body."""
    text, values = form
    return text % tuple([write(value(facts)) for value in values])


def reply_to(decision: Decision, contract: Contract, mock_headers: bool, entry: int) -> Reply:
    """The answer that a decision asks for; `entry` is the id of its journal entry."""
    scenario, facts = decision.scenario, decision.facts
    headers = reply_headers(decision, contract.hash, entry, mock_headers=mock_headers)
    body = body_of(scenario.form, facts)
    status = scenario.status.render(facts)
    return make(Reply, (status, headers, body, decision, None, None, 0.0, entry, "", None, None))


def reply_headers(decision: Decision, contract: str, entry: int, *, mock_headers: bool) -> tuple[tuple[str, str], ...]:
    """The headers of an answer: what it is, and what the mock has to say; `contract` is the hash of the contract."""
    if not mock_headers:
        return (_JSON,)
    _, scenario, _, trigger, source, assumed, document, _, _, cause, _, _ = decision
    headers = _usual(scenario.id, source, assumed, trigger, contract)
    if cause:
        headers = (*headers, ("Mock-Cause", str(cause)))
    if document.violations:
        headers = (*headers, ("Mock-Violations", _listed(document.violations)))
    if document.warnings:
        headers = (*headers, ("Mock-Warnings", _listed(document.warnings)))
    return (*headers, ("Mock-Entry", str(entry)))


@lru_cache(maxsize=512)
def _usual(
    scenario: str, source: str, assumed: tuple[str, ...], trigger: str, contract: str
) -> tuple[tuple[str, str], ...]:
    named = (("Mock-Assumed", ", ".join(assumed)),) if assumed else ()
    how = (("Mock-Trigger", trigger), ("Mock-Contract", contract))
    return (_JSON, ("Mock-Scenario", scenario), ("Mock-Source", source), *named, *how)


_JSON: Final = ("Content-Type", "application/json")


def _listed(found: Sequence[Violation | Warn]) -> str:
    shown: list[dict[str, Any]] = []
    length = 0
    for one in found[:MOST_SHOWN]:
        entry = _entry(one)
        length += len(write_ascii(entry))
        if shown and length > LONGEST_LIST:
            break
        shown.append(entry)
    if len(found) > len(shown):
        shown.append({"more": len(found) - len(shown)})
    return write_ascii(shown)


def _entry(one: Violation | Warn) -> dict[str, str]:
    entry = {"pointer": printable(one.pointer, LONGEST_POINTER), "keyword": one.keyword}
    entry["message"] = (
        one.message if len(one.message) <= LONGEST_MESSAGE else one.message[: LONGEST_MESSAGE - 3] + "..."
    )
    # A pointer is into the body unless it says where else.
    return entry if one.root == "body" else {"in": one.root, **entry}


# -- problems (RFC 9457) --------------------------------------------------------------------------


def problem(
    status: int,
    kind: str,
    title: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Reply:
    """A problem document: what is wrong with how the mock was used, and what to try. No answer of the API."""
    body = {"type": PROBLEM + kind, "title": title, "status": status, "detail": detail, **more}
    content = (("Content-Type", "application/problem+json"), *(headers or {}).items())
    return Reply(status, content, write_to_keep(body), problem=kind)


def or_else(names: Sequence[str]) -> str:
    """`did you mean a, b or c?`, or nothing."""
    if not names:
        return ""
    return " Did you mean " + (names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1]) + "?"


def unknown_scenario(asked: str, names: Sequence[str], spelt: Sequence[str], elsewhere: str | None) -> Reply:
    """400: the request header `Mock-Scenario` names no scenario of this operation."""
    named = printable(asked, 80)
    why = f"{named} is a scenario of {elsewhere}, not of this operation." if elsewhere else f"There is no {named}."
    return problem(
        400,
        "unknown-scenario",
        "The request header Mock-Scenario names no scenario of this operation",
        why + or_else(spelt),
        did_you_mean=list(spelt),
        scenarios=list(names),
    )


def misspelt_trigger(path: str, collection: str, spelt: Sequence[str], names: Sequence[str]) -> Reply:
    """400: a value of the reserved form that is no reserved test value."""
    return problem(
        400,
        "unknown-test-value",
        "A value of the reserved form is no reserved test value",
        f"{path} has the form of a reserved test value, but {collection} have none of that name." + or_else(spelt),
        member=path,
        did_you_mean=list(spelt),
        test_values=list(names),
    )


def bad_sandbox(detail: str) -> Reply:
    """400: no sandbox can be told from the request."""
    return problem(400, "bad-sandbox", "The request names no usable sandbox", detail)


def bad_directive(detail: str) -> Reply:
    """400: a header `Mock-Delay` or `Mock-Fault` that cannot be understood."""
    return problem(400, "bad-directive", "A directive in the request headers cannot be understood", detail)


def no_room(most: int, seconds: float) -> Reply:
    """503: there is no place for one more sandbox."""
    return problem(
        503,
        "no-room-for-sandbox",
        "There is no room for one more sandbox",
        f"There are {most} sandboxes, each used within the last {seconds:g} s. DELETE /__admin/sandboxes/NAME makes "
        "room, and so does a greater setting max_sandboxes.",
        {"Retry-After": "5"},
    )


def no_room_for_record(most: int) -> Reply:
    """507: what the request would write has no place in its sandbox, so that nothing was changed."""
    return problem(
        507,
        "no-room-for-record",
        "There is no room for one more record in this sandbox",
        f"It keeps at most {most} records, and this would make it more; nothing was changed. POST /__admin/reset makes "
        "room, and so does a greater setting max_records.",
        limit=most,
    )


def too_large(limit: int) -> Reply:
    """413: the body is longer than the limit in bytes."""
    return problem(
        413,
        "body-too-large",
        "The request body is too large",
        f"At most {limit} bytes are read.",
        {"Connection": "close"},
        limit=limit,
    )


def too_slow(limit: float) -> Reply:
    """408: the request did not come to its end within so many seconds."""
    return problem(
        408,
        "too-slow",
        "The request did not come to its end in time",
        f"All of it has to be here {limit:g} s after its beginning; the setting request_timeout changes that.",
        limit=limit,
    )


def no_http(detail: str, status: int = 400) -> Reply:
    """400, or what else it is: the request cannot be read as HTTP."""
    return problem(status, "no-http", "The request is no HTTP/1.1", detail)


def not_found(path: str, paths: Sequence[str], spelt: Sequence[str]) -> Reply:
    """404: no operation and no admin route has this path."""
    return problem(
        404,
        "unknown-path",
        "Nothing is served at this path",
        f"There is no {printable(path, 200)}." + or_else(spelt) + " A sandbox goes in front: /sandbox/NAME/...",
        did_you_mean=list(spelt),
        paths=list(paths),
    )


def wrong_method(method: str, allow: Sequence[str], headers: Mapping[str, str]) -> Reply:
    """405: the path is served, but not with this method."""
    return problem(
        405,
        "wrong-method",
        "This path is not served with this method",
        f"{printable(method, 20)} came; use {' or '.join(allow)}.",
        {"Allow": ", ".join(allow), **headers},
    )
