"""Problem documents (RFC 9457): their members and words."""

import json
from typing import Any

import pytest

from mockserver.core import problems
from mockserver.core.model import Settings
from mockserver.core.reply import Reply


def test_a_problem_is_rfc_9457() -> None:
    """Type, title, status and detail, then what helps."""
    reply = problems.unknown_scenario("a\nb", ("one", "two"), ("one",), None)
    assert dict(reply.headers)["Content-Type"] == "application/problem+json"
    body = json.loads(reply.body)
    assert body["type"] == "urn:mockserver:problem:unknown-scenario"
    assert body["status"] == reply.status == 400
    assert body["detail"] == "There is no a\\x0ab. Did you mean one?"
    assert (body["did_you_mean"], body["scenarios"]) == (["one"], ["one", "two"])
    assert reply.decision is None
    elsewhere = json.loads(problems.unknown_scenario("x", (), (), "other").body)
    assert elsewhere["detail"] == "x is a scenario of other, not of this operation."


def test_a_full_server_says_how_to_make_room() -> None:
    """Clients read how long to wait, testers what to do."""
    sandbox, record = (
        problems.no_room_for_sandbox(Settings(max_sandboxes=3, sandbox_ttl=60.0)),
        problems.no_room("max_records", 5),
    )
    assert json.loads(sandbox.body) == {
        "type": "urn:mockserver:problem:no-room-for-sandbox",
        "title": "There is no room for one more sandbox",
        "status": 503,
        "detail": "There are 3 sandboxes, each used within the last 60 s. DELETE /__admin/sandboxes/NAME makes room, "
        "and so does a greater setting max_sandboxes.",
    }
    assert dict(sandbox.headers) == {"Content-Type": "application/problem+json", "Retry-After": "5"}
    assert json.loads(record.body) == {
        "type": "urn:mockserver:problem:no-room-for-record",
        "title": "There is no room for one more record in this sandbox",
        "status": 507,
        "detail": "It keeps at most 5 records, and this would make it more; nothing was changed. POST /__admin/reset "
        "makes room, and so does a greater setting max_records.",
        "limit": 5,
    }


PROBLEMS: list[tuple[Reply, dict[str, Any], dict[str, str]]] = [
    (
        problems.unknown_test_value("body.thing", "things", ("TEST-A",), ("TEST-A", "TEST-B")),
        {
            "type": "urn:mockserver:problem:unknown-test-value",
            "title": "A value of the reserved form is no reserved test value",
            "status": 400,
            "detail": "body.thing has the form of a reserved test value, but things have none of that name. "
            "Did you mean TEST-A?",
            "member": "body.thing",
            "did_you_mean": ["TEST-A"],
            "test_values": ["TEST-A", "TEST-B"],
        },
        {},
    ),
    (
        problems.bad_sandbox("What is wrong."),
        {
            "type": "urn:mockserver:problem:bad-sandbox",
            "title": "The request names no usable sandbox",
            "status": 400,
            "detail": "What is wrong.",
        },
        {},
    ),
    (
        problems.bad_directive("What is wrong."),
        {
            "type": "urn:mockserver:problem:bad-directive",
            "title": "A directive cannot be understood",
            "status": 400,
            "detail": "What is wrong.",
        },
        {},
    ),
    (
        problems.too_large(1000),
        {
            "type": "urn:mockserver:problem:body-too-large",
            "title": "The request body is too large",
            "status": 413,
            "detail": "At most 1000 bytes are read.",
            "limit": 1000,
        },
        {"Connection": "close"},
    ),
    (
        problems.too_slow(2.5),
        {
            "type": "urn:mockserver:problem:too-slow",
            "title": "The request did not come to its end in time",
            "status": 408,
            "detail": "All of it has to be here 2.5 s after its beginning; the setting request_timeout changes that.",
            "limit": 2.5,
        },
        {},
    ),
    (
        problems.not_http("What is wrong."),
        {
            "type": "urn:mockserver:problem:no-http",
            "title": "The request is not valid HTTP/1.1",
            "status": 400,
            "detail": "What is wrong.",
        },
        {},
    ),
    (
        problems.unsupported_http(501, "What is wrong."),
        {
            "type": "urn:mockserver:problem:unsupported-http",
            "title": "The request asks for something of HTTP that is not supported",
            "status": 501,
            "detail": "What is wrong.",
        },
        {},
    ),
    (
        problems.too_many_connections(9),
        {
            "type": "urn:mockserver:problem:too-many-connections",
            "title": "There are too many connections",
            "status": 503,
            "detail": "There are 9 connections, as many as the limit of open files (ulimit -n) allows, and none is "
            "idle.",
            "limit": 9,
        },
        {"Retry-After": "1"},
    ),
    (
        problems.header_not_forwarded("X-Odd"),
        {
            "type": "urn:mockserver:problem:header-not-forwarded",
            "title": "A header cannot be forwarded",
            "status": 400,
            "detail": "X-Odd has bytes that are not UTF-8, which cannot be sent on as they came. Nothing was sent.",
        },
        {},
    ),
    (
        problems.provider_unreachable("Why"),
        {
            "type": "urn:mockserver:problem:provider-unreachable",
            "title": "The provider cannot be reached",
            "status": 502,
            "detail": "No connection: Why.",
        },
        {},
    ),
    (
        problems.provider_too_slow(2.5),
        {
            "type": "urn:mockserver:problem:provider-too-slow",
            "title": "The provider did not answer in time",
            "status": 504,
            "detail": "It sent nothing for 2.5 s; the option --timeout changes that. It may have done what was asked.",
        },
        {},
    ),
    (
        problems.provider_not_http("why"),
        {
            "type": "urn:mockserver:problem:provider-not-http",
            "title": "The provider's answer cannot be read",
            "status": 502,
            "detail": "No answer: why.",
        },
        {},
    ),
    (
        problems.not_found("/thigs\n" + "x" * 300, ("/things", "/__admin"), ("/things",)),
        {
            "type": "urn:mockserver:problem:unknown-path",
            "title": "Nothing is served at this path",
            "status": 404,
            "detail": "There is no " + ("/thigs\\x0a" + "x" * 300)[:197] + ".... Did you mean /things?",
            "did_you_mean": ["/things"],
            "paths": ["/things", "/__admin"],
        },
        {},
    ),
    (
        problems.wrong_method("P\nUT", ("POST", "GET"), {"Mock-Assumed": "method"}),
        {
            "type": "urn:mockserver:problem:wrong-method",
            "title": "This path is not served with this method",
            "status": 405,
            "detail": "Expected POST or GET, got P\\x0aUT.",
        },
        {"Allow": "POST, GET", "Mock-Assumed": "method"},
    ),
]


@pytest.mark.parametrize(("reply", "body", "headers"), PROBLEMS, ids=[reply.problem or "" for reply, _, _ in PROBLEMS])
def test_each_problem_has_its_type_title_status_and_detail(
    reply: Reply, body: dict[str, Any], headers: dict[str, str]
) -> None:
    """Programs read the type, people the detail, clients the status."""
    assert json.loads(reply.body) == body
    assert list(json.loads(reply.body)) == list(body)
    assert reply.status == body["status"]
    assert dict(reply.headers) == {"Content-Type": "application/problem+json", **headers}
    assert reply.problem == body["type"].removeprefix("urn:mockserver:problem:")


@pytest.mark.parametrize(("was_reset", "fault", "how"), [(True, "reset", "reset"), (False, "empty", "closed")])
def test_the_connection_of_a_provider_that_sent_no_answer(was_reset: bool, fault: str, how: str) -> None:
    """The client's connection ends as the provider's did."""
    reply = problems.provider_closed(was_reset=was_reset)
    assert json.loads(reply.body)["detail"] == f"It {how} the connection. It may have done what was asked."
    assert reply.fault is not None
    assert reply.fault.kind == fault
