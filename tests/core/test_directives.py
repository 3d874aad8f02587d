"""Headers that ask for a delay or a fault, and what is said where they cannot be understood."""

from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.core.directives import (
    DirectiveError,
    Directives,
    parse_delay,
    parse_directives,
    parse_fault,
    parse_time_span,
)
from mockserver.core.faults import FAULTS, Fault, FixedDelay
from tests.support import LASTING, PATH, problem


def test_without_directive_headers_there_are_no_directives() -> None:
    """Other headers are ignored."""
    assert parse_directives({"x-mock-delay": "1s"}) == Directives()


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        ({"mock-scenario": " rfc-invalid "}, Directives("rfc-invalid")),
        ({"mock-delay": "1500ms"}, Directives(delay=FixedDelay(1_500))),
        ({"mock-delay": "0.25s"}, Directives(delay=FixedDelay(250))),
        ({"mock-fault": "reset"}, Directives(fault=Fault("reset"))),
        ({"mock-fault": "reset; commit=true"}, Directives(fault=Fault("reset", commit=True))),
        ({"mock-fault": "hang;seconds=0.5"}, Directives(fault=Fault("hang", seconds=0.5))),
        (
            {"mock-fault": "gateway; status=429; retry_after=9; html=FALSE"},
            Directives(fault=Fault("gateway", status=429, retry_after=9, html=False)),
        ),
    ],
)
def test_directive_headers_are_parsed(headers: dict[str, str], asked: Directives) -> None:
    """White space around values is ignored."""
    assert parse_directives(headers) == asked


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("Mock-Delay", "1500", "expected a duration such as 1500ms or 1.5s"),
        ("Mock-Delay", "1 s", "expected a duration"),
        ("Mock-Delay", "-1s", "expected a duration"),
        ("Mock-Delay", "301s", "0 to 300 s"),
        ("Mock-Delay", "", "expected a duration"),
        ("Mock-Fault", "rset", "Did you mean reset?"),
        ("Mock-Fault", "", "expected a fault, one of hang"),
        ("Mock-Fault", "reset; comit=true", "Did you mean commit?"),
        ("Mock-Fault", "reset; status=502", "the fault reset has no status."),
        ("Mock-Fault", "gateway; seconds=5", "the fault gateway has no seconds."),
        ("Mock-Fault", "reset; commit", "NAME=VALUE"),
        ("Mock-Fault", "reset; commit=maybe", "expected true or false"),
        ("Mock-Fault", "hang; seconds=301", "from 0 to 300"),
        ("Mock-Fault", "hang; seconds=nan", "from 0 to 300"),
        ("Mock-Fault", "hang; seconds=inf", "from 0 to 300"),
        ("Mock-Fault", "gateway; status=1000", "from 200 to 599"),
        ("Mock-Fault", "gateway; status=503.5", "whole number"),
        ("Mock-Fault", "reset; kind=empty", "kind"),
    ],
)
async def test_a_bad_directive_is_refused(
    url: str, client: aiohttp.ClientSession, name: str, text: str, said: str
) -> None:
    """400 problem JSON says what was expected; there is no silent default."""
    async with client.post(url + PATH, json=LASTING, headers={name: text}) as response:
        shown = problem(await response.read())
    assert (response.status, shown["type"].rpartition(":")[2]) == (400, "bad-directive")
    assert said in shown["detail"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Mock-Scenrio", "Mock-Scenario"),
        ("mock-fualt", "Mock-Fault"),
        ("MOCK-SANDBX", "Mock-Sandbox"),
        ("Mock-Dealy", "Mock-Delay"),
        ("Mock-", ""),
        ("Mock-Entry", ""),
    ],
)
@pytest.mark.parametrize(("method", "path"), [("POST", PATH), ("POST", "/__admin/reset")])
async def test_a_misspelt_header_is_loud(
    url: str, client: aiohttp.ClientSession, name: str, meant: str, method: str, path: str
) -> None:
    """Any header of that form but the four, also where the admin API is called: it would be without effect."""
    async with client.request(method, url + path, json=LASTING, headers={name: "rfc-invalid"}) as response:
        shown = problem(await response.read())
    assert (response.status, shown["type"].rpartition(":")[2]) == (400, "bad-directive")
    assert name in shown["detail"]
    assert not meant or shown["did_you_mean"][0] == meant
    assert shown["known_headers"] == ["Mock-Scenario", "Mock-Sandbox", "Mock-Fault", "Mock-Delay"]


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("Mock-Scenario", "rfc-invalid", "unauthorized"),
        ("Mock-Sandbox", "a", "b"),
        ("Mock-Fault", "reset", "empty"),
        ("Mock-Delay", "1ms", "2ms"),
    ],
)
async def test_two_values_of_one_header_are_refused(
    url: str, client: aiohttp.ClientSession, name: str, first: str, second: str
) -> None:
    """Nobody can say which was meant; the same one twice is no matter."""
    for values, status in (([first, second], 400), (["1ms", "1ms"], 200)):
        headers = [(name if status == 400 else "Mock-Delay", value) for value in values]
        async with client.post(url + PATH, json=LASTING, headers=headers) as response:
            assert response.status == status
            body = await response.read()
        if status == 400:
            assert problem(body)["type"].endswith(("bad-directive", "bad-sandbox"))
            assert name in problem(body)["detail"]


@pytest.mark.parametrize(
    "spec",
    [
        True,
        None,
        [],
        {},
        {"fixed": True},
        {"fixed": 1, "uniform": [1, 2]},
        {"uniform": [2, 1]},
        {"uniform": [1]},
        {"uniform": "1"},
        {"lognormal": {"median": 1, "sigma": 1}},
        {"lognormal": {"median": 1, "sigma": 11, "cap": 1}},
        {"lognormal": {"median": 1, "sigma": True, "cap": 1}},
        {"normal": 1},
        -1,
        300_001,
        float("nan"),
    ],
)
def test_a_bad_delay_is_refused(spec: Any) -> None:
    """The message says what was expected."""
    with pytest.raises(DirectiveError, match="expected"):
        parse_delay(spec)


@pytest.mark.parametrize("spec", [True, None, [], {}, 1, {"kind": 1}, {"kind": "reset", "commit": 1}, {"kind": []}])
def test_a_bad_fault_is_refused(spec: Any) -> None:
    """The message says what was expected."""
    with pytest.raises(DirectiveError, match="expected"):
        parse_fault(spec)


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_a_name_or_an_object(kind: str) -> None:
    """The shortest form is the name of the kind."""
    assert parse_fault(kind) == parse_fault({"kind": kind}) == Fault(kind)


@pytest.mark.parametrize(
    ("text", "ns"), [("90s", 90 * 10**9), ("-1.5h", -5_400 * 10**9), ("+1ms", 10**6), ("2d", 172_800 * 10**9)]
)
def test_durations_are_parsed_exactly(text: str, ns: int) -> None:
    """Durations are exact to the nanosecond."""
    assert parse_time_span(text) == ns


@pytest.mark.parametrize("text", ["", "90", "s", "1 h", "--1s", "1.5.5s", "2w"])
def test_another_span_of_time_is_refused(text: str) -> None:
    """With examples of the form."""
    with pytest.raises(DirectiveError, match="expected a span of time such as 90s, 15m, 2h, 1d or -90s"):
        parse_time_span(text)


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_directive_text_is_parsed_or_refused(delay: str, fault: str) -> None:
    """No header text raises another error."""
    asked = parse_directives({"mock-delay": delay, "mock-fault": fault})
    assert isinstance(asked, Directives) or asked.status == 400
