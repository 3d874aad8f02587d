"""Problem documents (RFC 9457): answers to misuse of the mock, with a hint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from mockserver.base.spelling import did_you_mean_sentence
from mockserver.base.values import encode_json, printable
from mockserver.core.faults import Fault
from mockserver.core.model import Settings
from mockserver.core.reply import Problem, Reply

PROBLEM_TYPE_PREFIX: Final = "urn:mockserver:problem:"
"""The prefix of every problem's `type`."""

PROBLEM_SCHEMA: Final[Mapping[str, Any]] = {
    "description": "What was wrong, and what to try (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}
"""The schema of a problem document; it is called Problem among the components."""

PROBLEM_CONTENT: Final[Mapping[str, Any]] = {
    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
}
PROBLEM_RESPONSE: Final[Mapping[str, Any]] = {"description": "The request was refused.", "content": PROBLEM_CONTENT}
"""The response object of OpenAPI for a problem."""


def problem(
    status: int,
    kind: str,
    title: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Problem:
    """The answer to misuse of the mock: a problem document, never an answer of the API."""
    shown = detail.encode("utf-8", "replace").decode()  # it may name a header whose bytes are no UTF-8
    body = {"type": PROBLEM_TYPE_PREFIX + kind, "title": title, "status": status, "detail": shown, **more}
    content = (("Content-Type", "application/problem+json"), *(headers or {}).items())
    return Reply(status, content, encode_json(body), problem=kind)


def unknown_scenario(name: str, names: Sequence[str], near: Sequence[str], elsewhere: str | None) -> Problem:
    """400: the request header `Mock-Scenario` names no scenario of this operation."""
    named = printable(name, 80)
    why = f"{named} is a scenario of {elsewhere}, not of this operation." if elsewhere else f"There is no {named}."
    return problem(
        400,
        "unknown-scenario",
        "There is no such scenario",
        why + did_you_mean_sentence(near),
        did_you_mean=list(near),
        scenarios=list(names),
    )


def unknown_test_value(path: str, collection: str, near: Sequence[str], names: Sequence[str]) -> Problem:
    """400: a value of the reserved form that is no reserved test value."""
    return problem(
        400,
        "unknown-test-value",
        "A value of the reserved form is no reserved test value",
        f"{path} has the form of a reserved test value, but {collection} have none of that name."
        + did_you_mean_sentence(near),
        member=path,
        did_you_mean=list(near),
        test_values=list(names),
    )


def bad_sandbox(detail: str) -> Problem:
    """400: the request names no usable sandbox."""
    return problem(400, "bad-sandbox", "The request names no usable sandbox", detail)


def sandbox_required() -> Problem:
    """400: the setting `require_sandbox` is on, and the request names no sandbox."""
    return bad_sandbox(
        "This server requires a sandbox: put /sandbox/NAME in front of the path or send the header "
        "Mock-Sandbox. (A relative URL with a leading slash drops the prefix of a base URL.)"
    )


def bad_directive(detail: str, **more: Any) -> Problem:
    """400: a request header of the mock (`Mock-…`) that cannot be understood."""
    return problem(400, "bad-directive", "A directive cannot be understood", detail, **more)


def unknown_directive(name: str, near: Sequence[str], names: Sequence[str]) -> Problem:
    """400: a request header begins with `Mock-` and is none of the mock's."""
    detail = f"There is no request header {printable(name, 40)}.{did_you_mean_sentence(near)}"
    return bad_directive(detail, did_you_mean=list(near), known_headers=list(names))


def no_room_for_sandbox(settings: Settings) -> Problem:
    """503: all sandboxes are in use."""
    return problem(
        503,
        "no-room-for-sandbox",
        "There is no room for one more sandbox",
        f"There are {settings.max_sandboxes} sandboxes, each used within the last {settings.sandbox_ttl:g} s. "
        "DELETE /__admin/sandboxes/NAME makes room, and so does a greater setting max_sandboxes.",
        {"Retry-After": "5"},
    )


def sandbox_gone(name: str) -> Problem:
    """409: the sandbox was reset or dropped while the request was decided, so that nothing was changed."""
    return problem(
        409,
        "sandbox-gone",
        "The sandbox was reset meanwhile",
        f"Sandbox {name or '(default)'} was reset or dropped while this request was decided; nothing was changed. "
        "Send it again.",
        {"Retry-After": "0"},
    )


def no_room(setting: str, limit: int) -> Problem:
    """507: what was to be kept does not fit into the limit of the setting `max_records` or `max_state_bytes`."""
    if setting == "max_records":
        return problem(
            507,
            "no-room-for-record",
            "There is no room for one more record in this sandbox",
            f"It keeps at most {limit} records, and this would make it more; nothing was changed. POST /__admin/reset "
            "makes room, and so does a greater setting max_records.",
            limit=limit,
        )
    return problem(
        507,
        "no-room-for-state",
        "There is no room for more state on this server",
        f"All sandboxes together keep at most {limit} bytes of records, armed outcomes and run-time scenarios, and "
        "this would make it more; nothing was changed. POST /__admin/reset?all=true makes room, and so does a greater "
        "setting max_state_bytes.",
        limit=limit,
    )


def store_unavailable(why: str) -> Problem:
    """503: what the servers share cannot be read or changed now."""
    return problem(
        503,
        "store-unavailable",
        "The shared store cannot be used now",
        f"{why}. Nothing is answered from memory. If the store was lost while it committed this request, its changes "
        "may be kept there although this answer says nothing of them.",
        {"Retry-After": "1"},
    )


def header_not_forwarded(name: str) -> Problem:
    """400: a header of a request cannot be sent to the provider behind `record` as it came."""
    detail = f"{name} has bytes that are not UTF-8, which cannot be sent on as they came. Nothing was sent."
    return problem(400, "header-not-forwarded", "A header cannot be forwarded", detail)


def provider_unreachable(why: str) -> Problem:
    """502: there is no connection to the provider behind `record`."""
    return problem(502, "provider-unreachable", "The provider cannot be reached", f"No connection: {why}.")


def provider_too_slow(seconds: float) -> Problem:
    """504: the provider behind `record` did not answer in time."""
    detail = f"It sent nothing for {seconds:g} s; the option --timeout changes that. It may have done what was asked."
    return problem(504, "provider-too-slow", "The provider did not answer in time", detail)


def provider_closed(*, was_reset: bool) -> Problem:
    """502: the provider behind `record` ended the connection without an answer; the client's ends likewise."""
    detail = f"It {'reset' if was_reset else 'closed'} the connection. It may have done what was asked."
    found = problem(502, "provider-closed", "The provider sent no answer", detail)
    return replace(found, fault=Fault("reset" if was_reset else "empty"))


def provider_not_http(why: str) -> Problem:
    """502: the provider behind `record` sent what is no HTTP."""
    return problem(502, "provider-not-http", "The provider's answer cannot be read", f"No answer: {why}.")


def too_large(limit: int, subject: str = "") -> Problem:
    """413: the body is longer than the limit in bytes; `subject` says of which requests."""
    return problem(
        413,
        "body-too-large",
        "The request body is too large",
        f"At most {limit} bytes{subject} are read.",
        {"Connection": "close"},
        limit=limit,
    )


def too_slow(limit: float) -> Problem:
    """408: the request was not complete within so many seconds."""
    return problem(
        408,
        "too-slow",
        "The request did not come to its end in time",
        f"All of it has to be here {limit:g} s after its beginning; the setting request_timeout changes that.",
        limit=limit,
    )


def unsupported_encoding(encoding: str, names: Sequence[str]) -> Problem:
    """415: the body has a content encoding that is not read here."""
    return problem(
        415,
        "unsupported-encoding",
        "The content encoding of the request body is not supported",
        f"Expected {', '.join(names)} or none as Content-Encoding, got {printable(encoding, 80)}.",
        {"Accept-Encoding": "gzip, deflate"},
    )


def undecodable_body(detail: str) -> Problem:
    """400: the body is not what its `Content-Encoding` says."""
    return problem(400, "unreadable-body", "The request body cannot be read", detail)


def too_many_connections(limit: int) -> Problem:
    """503: no more connections can be served, and none of them is idle."""
    return problem(
        503,
        "too-many-connections",
        "There are too many connections",
        f"There are {limit} connections, as many as the limit of open files (ulimit -n) allows, and none is idle.",
        {"Retry-After": "1"},
        limit=limit,
    )


def not_http(detail: str) -> Problem:
    """400: the request is not valid HTTP/1.1."""
    return problem(400, "no-http", "The request is not valid HTTP/1.1", detail)


def unsupported_http(status: int, detail: str) -> Problem:
    """501 or 505: the request asks for something of HTTP that is not supported."""
    return problem(status, "unsupported-http", "The request asks for something of HTTP that is not supported", detail)


def not_found(path: str, paths: Sequence[str], near: Sequence[str], sandbox: str = "") -> Problem:
    """404: no operation and no admin route has this path; `sandbox` is the name that stood in front of it."""
    taken = f" {sandbox} was taken for the name of the sandbox." if sandbox else ""
    is_misspelt = near and f"/{sandbox}{path}" not in near
    where = "" if is_misspelt else f"{taken} A sandbox goes in front: /sandbox/NAME/..."
    return problem(
        404,
        "unknown-path",
        "Nothing is served at this path",
        f"There is no {printable(path, 200)}.{did_you_mean_sentence(near)}{where}",
        did_you_mean=list(near),
        paths=list(paths),
    )


def wrong_method(method: str, allow: Sequence[str], headers: Mapping[str, str]) -> Problem:
    """405: the path is served, but not with this method."""
    return problem(
        405,
        "wrong-method",
        "This path is not served with this method",
        f"Expected {' or '.join(allow)}, got {printable(method, 20)}.",
        {"Allow": ", ".join(allow), **headers},
    )
