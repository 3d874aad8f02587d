"""The Python client: what a test asks of the mock, by the admin API."""

import datetime as dt
import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from urllib.parse import urlsplit

import pytest

from mockserver import Contract, Mock, MockError, running
from tests.support import BATCH, LASTING, ONCE, PATH, PATIENCE, free_port, serving

NUMBERS = count(1)


@pytest.fixture(scope="module")
def served(contract: Contract) -> Iterator[Mock]:
    """A server in this process."""
    with running(contract) as mock:
        yield mock


@pytest.fixture
def mock(served: Mock) -> Mock:
    """A sandbox of a test's own."""
    return served.in_sandbox(f"s{next(NUMBERS)}")


def send(mock: Mock, body: object = LASTING, path: str = PATH, **headers: str) -> tuple[int, str]:
    """One request of a client: the status, and the scenario that answered."""
    split = urlsplit(mock.url)
    connection = http.client.HTTPConnection(split.netloc, timeout=PATIENCE)
    try:
        connection.request("POST", split.path + path, json.dumps(body), headers)
        response = connection.getresponse()
        response.read()
        return response.status, response.getheader("Mock-Scenario", "")
    finally:
        connection.close()


def test_arm_takes_times_and_conditions(mock: Mock) -> None:
    """What is left is shown, and can be removed."""
    number = mock.arm("rfc-invalid", times=2, when={"body.customer_id": "TEST-CUSTOMER"})
    mock.arm("provider-communication", times="always")
    assert [send(mock)[1], send(mock, ONCE)[1]] == ["rfc-invalid", "provider-communication"]
    assert [(one["id"], one["left"]) for one in mock.armed()] == [(number, 1), (number + 1, "always")]
    mock.disarm(number)
    assert len(mock.armed()) == 1
    mock.disarm()
    assert send(mock)[1] == "activated-existing-customer"


def test_arm_takes_answers_in_turn_and_a_delay(mock: Mock) -> None:
    """All that the admin API takes."""
    mock.arm(responses=[{"scenario": "rfc-invalid"}, {"pass": True}], repeat="cycle")
    assert [send(mock)[1] for _ in range(3)] == ["rfc-invalid", "activated-existing-customer", "rfc-invalid"]
    mock.disarm()
    mock.arm(delay="1ms")
    assert send(mock)[0] == 200
    assert mock.requests()[-1]["delay_ms"] == 1


def test_a_fault_with_commit_loses_the_answer_alone(mock: Mock) -> None:
    """The record is written."""
    mock.fault("reset", commit=True)
    with pytest.raises(ConnectionResetError):
        send(mock, ONCE)
    assert send(mock, ONCE)[1] == "card-already-activated"
    mock.verify_order({"scenario": "activated-existing-customer"}, {"scenario": "card-already-activated"})
    mock.verify_armed_used()
    mock.fault("gateway", status=503, when={"body.customer_id": "TEST-CUSTOMER"})
    assert send(mock)[0] == 503


def test_requests_are_listed_in_the_order_in_which_they_came(mock: Mock) -> None:
    """All pages, filters, the last ones alone, and one whole."""
    for number in range(5):
        send(mock, {**LASTING, "pin": "12a4"} if number % 2 else LASTING)
    rows = mock.requests()
    assert [row["scenario"] for row in rows] == ["activated-existing-customer", "pin-not-digits"] * 2 + [
        "activated-existing-customer"
    ]
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    assert mock.requests(limit=2) == rows[-2:]
    assert mock.requests(scenario="pin-not-digits") == rows[1::2]
    assert mock.requests(since=dt.datetime(2100, 1, 1, tzinfo=dt.UTC)) == []
    assert mock.requests(unexpected=True) == []
    assert mock.request(rows[1]["id"])["violations"][0]["at"] == "body.pin"


def test_verify_raises_an_assertion_error_with_near_misses(mock: Mock) -> None:
    """A misspelt claim is another error."""
    send(mock, ONCE)
    mock.verify("activated-existing-customer", exactly=1)
    mock.verify(when={"body.customer_id": ONCE["customer_id"]}, at_least=1, at_most=1)
    with pytest.raises(AssertionError, match=r"(?s)exactly 2 requests .*got      1 \(#") as failed:
        mock.verify(when={"body.customer_id": ONCE["customer_id"]}, exactly=2)
    assert failed.value.__cause__ is None
    with pytest.raises(AssertionError, match=r'(?s)nearest misses:.*body.customer_id: expected "2"\n +got +"1234'):
        mock.verify(when={"body.customer_id": "2"})
    with pytest.raises(AssertionError, match=r"1\. at least 1 request answered by rfc-invalid"):
        mock.verify_order({"scenario": "rfc-invalid"})
    mock.arm("rfc-invalid")
    with pytest.raises(AssertionError, match="nothing armed that is left over"):
        mock.verify_armed_used()
    with pytest.raises(MockError, match="Did you mean rfc-invalid"):
        mock.verify("rfc-invald")


def test_records_and_snapshots_are_read_and_written(mock: Mock) -> None:
    """Members by collection and key; a key may hold anything."""
    assert mock.state.put("cards", "a/b %", {"status": "activated"}) == {"status": "activated"}
    assert mock.state.patch("cards", "a/b %", {"batch": BATCH}) == {"status": "activated", "batch": BATCH}
    assert mock.state.get("cards", "a/b %") == {"status": "activated", "batch": BATCH}
    snapshot = mock.state.snapshot()
    assert mock.state.put("cards", "a/b %", None) is None
    assert mock.state.all("cards")["a/b %"] is None
    mock.state.load(snapshot)
    assert mock.state.delete("cards", "a/b %") == {"status": "issued"}
    with pytest.raises(MockError, match="Did you mean cards"):
        mock.state.get("card", "x")


def test_scenarios_are_added_as_text_or_as_values(mock: Mock) -> None:
    """Mistakes are reported with line and column."""
    mock.scenarios.put("ours", {"assumed": [], "when": {"body.customer_id": "7"}, "respond": {"error": {"code": 1}}})
    mock.scenarios.put("ours-too", "documented: Ours\nwhen: {body.customer_id: '8'}\nrespond: {error: {code: 2}}\n")
    assert send(mock, {**LASTING, "customer_id": "8"})[1] == "ours-too"
    assert [row["scenario"] for row in mock.scenarios.all()][:2] == ["ours-too", "ours"]
    mock.scenarios.delete("ours-too")
    assert send(mock, {**LASTING, "customer_id": "8"})[1] == "activated-existing-customer"
    with pytest.raises(MockError, match=r"cannot be used:\n.*unknown.*mean when.*\n.*body:2:1: ") as wrong:
        mock.scenarios.put("ours", "whn: {}\nrespnd: {}\n")
    assert wrong.value.status == 400


def test_the_clock_is_set_advanced_and_reset(mock: Mock) -> None:
    """Instants are texts or datetimes, spans texts or timedeltas."""
    start = dt.datetime(2024, 11, 15, 14, 32, 18, 123_456, tzinfo=dt.UTC)
    assert mock.clock.freeze(start) == start
    assert mock.clock.advance("90s") == start + dt.timedelta(seconds=90)
    assert mock.clock.advance(dt.timedelta(days=-1, microseconds=-7)) == start + dt.timedelta(
        days=-1, seconds=89, microseconds=999_993
    )
    assert mock.clock.set("2030-01-01T00:00:00Z").year == 2030
    assert mock.clock.release() > dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    assert mock.clock.freeze() == mock.clock.now()


def test_settings_are_changed_until_a_reset(mock: Mock) -> None:
    """Those that a sandbox has of its own; `reset` brings all back."""
    mock.settings.put(error_status=418, require_headers=("X-One",))
    assert (mock.settings.all()["error_status"], send(mock)[1]) == (418, "unauthorized")
    mock.reset()
    assert (mock.settings.all()["error_status"], mock.requests()) == (400, [])
    with pytest.raises(MockError, match="Did you mean error_status"):
        mock.settings.put(eror_status=200)


def test_a_sandbox_is_dropped(mock: Mock, served: Mock) -> None:
    """Dropping it once more is no error."""
    send(mock)
    mock.drop()
    mock.drop()
    assert served.requests(text=mock.sandbox) == []
    assert "reference-batch-empty" in mock.explain({**LASTING, "reference_batch": ""})
    assert mock.health()["status"] == "ok"
    assert repr(mock) == f"Mock('{mock.url}')"


def test_the_client_uses_a_token() -> None:
    """Without it the error says what is missing."""
    with serving("--admin-token", "s3cr3t") as serve:
        mock = Mock(serve.url, "far", token="s3cr3t")
        mock.arm("rfc-invalid")
        assert mock.url == f"{serve.url}/sandbox/far"
        assert send(mock)[1] == "rfc-invalid"
        assert mock.in_sandbox("other").armed() == []
        with pytest.raises(MockError, match="asks for a token: Send the header"):
            Mock(serve.url).drop()
        assert Mock(serve.url).health()["status"] == "ok"


def test_an_unreachable_server_is_a_clear_error() -> None:
    """The address and what to check; a URL of another kind is refused at once."""
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(MockError, match=f"{url}/sandbox/x/__admin/reset: .*refused; is the server up") as error:
        Mock(url, "x").reset()
    assert error.value.status == 0
    with pytest.raises(ValueError, match="begins with http:// or https://"):
        Mock("127.0.0.1:8080")
    with pytest.raises(ValueError, match=r"has no user name and no password, got http://xx:xxxxxx@127\.0\.0\.1:8080$"):
        Mock("http://me:secret@127.0.0.1:8080")


def test_importing_the_client_imports_no_server() -> None:
    """Names are imported when they are first used."""
    code = (
        "import sys, mockserver; before = set(sys.modules); mockserver.Mock('http://127.0.0.1:1'); "
        "print(sorted({n.partition('.')[0] for n in set(sys.modules) - before} & {'aiohttp', 'jsonschema', 'yaml'}),"
        " [n for n in before if n.startswith('mockserver.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[] ['mockserver.version']\n"


def test_a_full_journal_is_incomplete(contract: Contract) -> None:
    """Of the sandbox that lost an entry; one that is off is always so."""
    with running(contract, journal_entries=1) as mock:
        assert not mock.is_journal_incomplete()
        send(mock)
        send(mock.in_sandbox("other"))
        assert (mock.is_journal_incomplete(), mock.in_sandbox("other").is_journal_incomplete()) == (True, False)
    with running(contract, journal_entries=0) as mock:
        assert mock.is_journal_incomplete()
