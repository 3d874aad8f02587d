"""One answer compared with one reply: parts of contracts that the shipped one does not have, and any JSON at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver import Contract, load
from mockserver.privacy.secrets import secrets_of
from mockserver.provider.bindings import ExamplesAsTheyAre
from mockserver.provider.cases import Case, cases
from mockserver.provider.differences import Answer, Difference, differences
from mockserver.provider.target import Target

CONTRACT = """
format: 1
assumptions: {limits: Nobody knows.}
collections: {things: {open: true, default: {size: 5}, members: {size: {type: integer}}}}
operations:
  getThing:
    request: GET /shops/{shop}/things
    lookups: {thing: {in: things, key: query.name}}
    new: {ticket: {first: 100, prefix: T-}}
    envelopes:
      success:
        status: 200
        body:
          at: "${now.epoch_millis}"
          text: "Seen at ${now.utc_millis}"
          ticket: "${new.ticket}"
          thing: "${respond}"
      error: {status: 503, body: {error: "${respond}"}}
"""
SCENARIOS = """
format: 1
operation: getThing
scenarios:
- scenario: busy
  assumed: [limits]
  when: {query.name: busy}
  respond: {headers: {Retry-After: 5, X-Ticket: "${new.ticket}"}, error: {retry: true}}
  examples:
  - {path: {shop: "a b/c"}, query: {name: busy}}
- scenario: found
  documented: Found
  respond:
    success:
      shop: "${path.shop}"
      size: {first_of: ["${thing.size}", 0]}
      names: ["${path.shop}", fixed]
  examples:
  - {path: {shop: "a b/c"}, query: {name: "x&y"}}
"""


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "contract.yaml").write_text(CONTRACT)
    (folder / "things.yaml").write_text(SCENARIOS)
    return load(folder)


@pytest.fixture(scope="module")
def chosen(contract: Contract) -> dict[str, Case]:
    found = cases(contract, ["busy", "found"], ExamplesAsTheyAre())
    return {case.outcome.scenario.id: case for case in found}


FOUND: dict[str, Any] = {
    "at": 1,
    "text": "Seen at 2031-01-01T00:00:00.5Z",
    "ticket": "T-9",
    "thing": {"shop": "a b/c", "size": 12, "names": ["a b/c", "fixed"]},
}


def compared(case: Case, body: Any, status: int = 200, **headers: str) -> list[tuple[str, str]]:
    """Where an answer differs, and of which kind."""
    sent = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    answer = Answer(status, tuple(sent.items()), json.dumps(body).encode())
    found = differences(case.reply, answer, secrets_of([case.outcome.operation]))
    return [(one.at, one.kind) for one in found]


def test_what_comes_from_the_clock_a_record_or_the_mock_is_compared_by_form(chosen: dict[str, Case]) -> None:
    """What comes from the request, or always is the same, by value."""
    case = chosen["found"]
    assert compared(case, FOUND) == []
    assert compared(case, {**FOUND, "at": "1", "text": "Seen at noon", "ticket": "9"}) == [
        ("body /at", "type"),
        ("body /text", "form"),
        ("body /ticket", "form"),
    ]
    other = {"shop": "a", "size": "12", "names": ["b", "fixed", "more"]}
    assert compared(case, {**FOUND, "thing": other}) == [
        ("body /thing/shop", "value"),
        ("body /thing/size", "type"),
        ("body /thing/names/0", "value"),
        ("body /thing/names/2", "extra"),
    ]
    assert compared(case, {**FOUND, "thing": {**other, "shop": "a b/c", "size": 1, "names": []}}) == [
        ("body /thing/names/0", "missing"),
        ("body /thing/names/1", "missing"),
    ]


@pytest.mark.parametrize("came", ["2031-13-01T00:00:00.500Z", "2031-29-11T00:00:00.500Z", "2031-01-01T25:71:00.500Z"])
def test_an_instant_that_no_calendar_has_is_of_another_form(chosen: dict[str, Case], came: str) -> None:
    """Day and month in another order are no form of an instant."""
    assert compared(chosen["found"], {**FOUND, "text": f"Seen at {came}"}) == [("body /text", "form")]


def test_a_member_that_comes_twice_is_a_difference(chosen: dict[str, Case]) -> None:
    """Even if its last value is the expected one: a client that takes the first reads another."""
    case, headers = chosen["busy"], (("Retry-After", "5"), ("X-Ticket", "1"), ("Content-Type", "application/json"))
    answer = Answer(503, headers, b'{"error": {"retry": false, "retry": true}}')
    assert differences(case.reply, answer, secrets_of([case.outcome.operation])) == (
        Difference("body /error/retry", "repeated", "once", "more than once"),
    )


def test_the_headers_of_an_outcome_are_compared(chosen: dict[str, Case]) -> None:
    """Those that are always the same by value; others have to be there."""
    case, body = chosen["busy"], {"error": {"retry": True}}
    assert compared(case, body, 503, retry_after="5", X_TICKET="whatever") == []
    assert compared(case, body, 503, retry_after="6") == [
        ("header Retry-After", "header"),
        ("header X-Ticket", "header"),
    ]
    assert compared(case, {"error": {"retry": 1}}, 503, Retry_After="5", X_Ticket="1") == [
        ("body /error/retry", "type")
    ]


def test_a_header_that_comes_twice_is_compared_twice(chosen: dict[str, Case]) -> None:
    """A client may take either."""
    case, body = chosen["found"], json.dumps(FOUND).encode()
    json_type, html = ("Content-Type", "application/json; charset=utf-8"), ("content-type", "text/html")
    for headers in ((json_type, html), (html, json_type)):
        found = differences(case.reply, Answer(200, headers, body), secrets_of([case.outcome.operation]))
        came = ", ".join(value for _, value in headers)
        assert found == (Difference("header Content-Type", "header", "application/json", came),)
    assert not differences(case.reply, Answer(200, (json_type,) * 2, body), secrets_of([case.outcome.operation]))


def test_parameters_stand_in_the_url(chosen: dict[str, Case]) -> None:
    """Encoded, and a slash in a parameter is none of the path."""
    request = chosen["found"].requests[0]
    assert Target("https://host/base/").url_of(request) == "https://host/base/shops/a%20b%2Fc/things?name=x%26y"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*FOUND, "x"]), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=60)
@given(body=_JSON)
def test_any_json_is_compared(chosen: dict[str, Case], body: Any) -> None:
    """Only what has the form of the answer is no difference."""
    assert compared(chosen["found"], body) != []
    assert compared(chosen["found"], {**FOUND, "x": body}) == [("body /x", "extra")]


def test_the_documented_outcomes_are_chosen_where_none_is_named(contract: Contract) -> None:
    """An assumed one has to be named, by the command line or by the bindings."""
    assert [case.outcome.scenario.id for case in cases(contract, (), ExamplesAsTheyAre())] == ["found"]
