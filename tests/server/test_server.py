"""The server, met by real clients: methods, limits, connections, headers, start and stop."""

import asyncio
import contextlib
import gzip
import io
import json
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from mockserver import Contract, Engine, load
from mockserver.server import logs
from mockserver.server import server as edge
from tests.support import (
    LASTING,
    ONCE,
    PATH,
    answer,
    folder,
    head,
    problem,
    raw,
    serving,
)
from tests.support.clients import mock_headers

MIB = 1_048_576
EVERY = {"Mock-Scenario", "Mock-Source", "Mock-Assumed", "Mock-Trigger", "Mock-Contract"}


def sized(length: int) -> bytes:
    """A request that succeeds, of exactly so many bytes."""
    body = json.dumps(LASTING).encode()
    return body + b" " * (length - len(body))


# -- methods and paths ------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_any_other_method_gets_405_with_allow(url: str, client: aiohttp.ClientSession, method: str) -> None:
    """Only POST is served; the refusal says so and rests on the open point `method`."""
    async with client.request(method, url + PATH) as response:
        body = await response.read()
    assert (response.status, response.headers["Allow"]) == (405, "POST")
    assert response.content_type == "application/problem+json"
    assert mock_headers(response) == {"Mock-Assumed"}
    assert response.headers["Mock-Assumed"] == "method"
    assert body == b"" if method == "HEAD" else problem(body)["status"] == 405


async def test_a_path_of_slashes_gets_404(url: str) -> None:
    """As any other that is unknown."""
    assert b" 404 " in (await raw(url, head("GET", "//", "Connection: close"))).splitlines()[0]


# -- bodies -------------------------------------------------------------------------------------------


async def test_exactly_one_mebibyte_is_accepted(url: str, client: aiohttp.ClientSession) -> None:
    """The limit itself is within the limit."""
    async with client.post(url + PATH, data=sized(MIB)) as response:
        assert response.status == 200


@pytest.mark.parametrize("over", [1, 5 * MIB])
async def test_a_longer_body_gets_413(url: str, client: aiohttp.ClientSession, over: int) -> None:
    """A body over the limit is refused with a problem document, and the client can read it."""
    async with client.post(url + PATH, data=io.BytesIO(sized(MIB + over))) as response:
        assert (response.status, problem(await response.read())["limit"]) == (413, MIB)


async def test_a_longer_chunked_body_gets_413(url: str, client: aiohttp.ClientSession) -> None:
    """The limit holds without a Content-Length."""

    async def chunks() -> Any:
        for _ in range(17):
            yield b" " * 65_536

    async with client.post(url + PATH, data=chunks()) as response:
        assert response.status == 413


async def test_a_chunked_body_is_read(url: str) -> None:
    """Chunks are joined."""
    body = json.dumps(LASTING).encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:7], body[7:])) + b"0\r\n\r\n"
    sent = head("POST", PATH, "Connection: close", "Transfer-Encoding: chunked") + chunks
    assert (await raw(url, sent)).startswith(b"HTTP/1.1 200 ")


async def test_a_gzip_body_is_unpacked_within_the_limit(url: str, client: aiohttp.ClientSession) -> None:
    """One that unpacks to more is refused."""
    headers = {"Content-Encoding": "gzip"}
    async with client.post(url + PATH, data=gzip.compress(sized(500)), headers=headers) as response:
        assert response.status == 200
    async with client.post(url + PATH, data=gzip.compress(sized(3 * MIB)), headers=headers) as response:
        assert response.status == 413
    async with client.post(url + PATH, data=b"no gzip", headers=headers) as response:
        assert problem(await response.read())["type"].endswith("unreadable-body")


@pytest.mark.parametrize("framing", ["Content-Length: 2", "Transfer-Encoding: chunked"])
async def test_expect_100_continue_is_answered(url: str, framing: str) -> None:
    """As curl sends it with large bodies."""
    split = urlsplit(url)
    reader, writer = await asyncio.open_connection(split.hostname, split.port)
    writer.write(head("POST", PATH, "Expect: 100-continue", framing))
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"{}" if "Length" in framing else b"2\r\n{}\r\n0\r\n\r\n")
    status, headers, _ = await answer(reader)
    assert (status, headers["mock-scenario"]) == ("HTTP/1.1 400 Bad Request", "reference-batch-empty")
    writer.close()


async def test_a_body_over_the_limit_gets_no_100_continue(url: str) -> None:
    """It is refused before it is sent."""
    split = urlsplit(url)
    reader, writer = await asyncio.open_connection(split.hostname, split.port)
    writer.write(head("POST", PATH, "Expect: 100-continue", length=MIB + 1))
    assert (await answer(reader))[0].startswith("HTTP/1.1 413 ")
    writer.close()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "got nothing"),
        (b"{", "not JSON"),
        (b'{"a":"\xff"}', "not UTF-8"),
        (b"NaN", "not JSON"),
        (b"[" * 65 + b"]" * 65, "deeper than 64"),
        (b"[" * 100_000, "deeper than 64"),
        (b"[" * 64 + b"]" * 64, "an array"),
        (b"5", "a number"),
        (b"null", "null"),
    ],
)
async def test_an_unreadable_body_gets_malformed(
    url: str, client: aiohttp.ClientSession, body: bytes, reason: str
) -> None:
    """With the reason in the header and the second hint."""
    async with client.post(url + PATH, data=body) as response:
        error = (await response.json())["error"]
    (violation,) = json.loads(response.headers["Mock-Violations"])
    assert (response.status, response.headers["Mock-Scenario"]) == (400, "malformed")
    assert "malformed" in response.headers["Mock-Assumed"].split(", ")
    assert reason in violation["message"]
    assert violation["pointer"] == ""
    assert error["code"] == 4400
    assert reason in error["hints"][1]


# -- connections --------------------------------------------------------------------------------------


async def test_a_connection_serves_many_requests(url: str) -> None:
    """Keep-alive and pipelining."""
    split = urlsplit(url)
    reader, writer = await asyncio.open_connection(split.hostname, split.port)
    body = json.dumps(LASTING).encode()
    writer.write((head("POST", PATH, length=len(body)) + body) * 3)
    assert [(await answer(reader))[0] for _ in range(3)] == ["HTTP/1.1 200 OK"] * 3
    writer.close()


async def test_an_http_1_0_client_is_answered_and_disconnected(url: str) -> None:
    """Unless it asks to be kept."""
    sent = f"POST {PATH} HTTP/1.0\r\nContent-Length: 2\r\n\r\n{{}}".encode()
    assert (await raw(url, sent)).startswith(b"HTTP/1.0 400 ")


async def test_an_upgrade_to_http_2_is_ignored(url: str) -> None:
    """Java's client offers it with the first request."""
    offer = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"]
    split = urlsplit(url)
    reader, writer = await asyncio.open_connection(split.hostname, split.port)
    body = json.dumps(LASTING).encode()
    writer.write(head("POST", PATH, *offer, length=len(body)) + body)
    assert (await answer(reader))[0] == "HTTP/1.1 200 OK"
    writer.close()


async def test_two_parallel_requests_activate_one_card_once(url: str, client: aiohttp.ClientSession) -> None:
    """A request is atomic."""

    async def activate(number: int) -> str:
        body = {**ONCE, "customer_id": str(number)}
        async with client.post(url + PATH, json=body) as response:
            return response.headers["Mock-Scenario"]

    met = await asyncio.gather(*(activate(number) for number in range(20)))
    assert sorted(met) == ["activated-existing-customer"] + ["card-already-activated"] * 19


# -- headers --------------------------------------------------------------------------------------------


async def test_every_answer_has_the_mock_headers(url: str, client: aiohttp.ClientSession) -> None:
    """Scenario, source, assumptions, trigger and contract, of success and error."""
    async with client.get(f"{url}/__admin/health") as response:
        contract_hash = (await response.json())["contract"]
    for body, scenario, trigger in [
        (LASTING, "activated-existing-customer", "values"),
        ({**LASTING, "reference_batch": ""}, "reference-batch-empty", "values"),
        (ONCE, "activated-existing-customer", "values"),
        (ONCE, "card-already-activated", "state"),
    ]:
        async with client.post(url + PATH, json=body) as response:
            shown = response.headers
        assert mock_headers(response) >= EVERY
        assert (shown["Mock-Scenario"], shown["Mock-Trigger"]) == (scenario, trigger)
        assert shown["Mock-Contract"] == contract_hash
        assert shown["Mock-Source"] == "documented"


async def test_mock_scenario_forces_an_answer(url: str, client: aiohttp.ClientSession, contract: Contract) -> None:
    """Whatever the request is; nothing is written."""
    for scenario in contract.scenarios:
        for body in (b"", b"not JSON", json.dumps(ONCE).encode()):
            async with client.post(url + PATH, data=body, headers={"Mock-Scenario": scenario.id}) as response:
                assert (await response.json())["text"] in {"Success", "Error"}
            assert (response.headers["Mock-Scenario"], response.headers["Mock-Trigger"]) == (scenario.id, "header")
    async with client.post(url + PATH, json=ONCE) as response:
        assert response.status == 200


@pytest.mark.parametrize("asked", [b"rfc-invalit", b"RFC_INVALID ", b"", b"caf\xe9\xff", b"%00"])
async def test_an_unknown_mock_scenario_is_a_problem(url: str, asked: bytes) -> None:
    """With near spellings, without mock headers."""
    sent = head("POST", PATH, "Connection: close", length=2).replace(
        b"Host: localhost", b"Host: localhost\r\nMock-Scenario: " + asked
    )
    top, _, body = (await raw(url, sent + b"{}")).partition(b"\r\n\r\n")
    shown = problem(body)
    assert top.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in top
    assert b"\r\nMock-" not in top.replace(b"\r\nMock-Entry: 1", b"")
    assert shown["did_you_mean"] == (["rfc-invalid"] if b"inv" in asked.lower() else [])
    assert "rfc-invalid" in shown["scenarios"]


async def test_a_misspelt_test_value_is_a_problem(url: str, client: aiohttp.ClientSession) -> None:
    """With near spellings."""
    async with client.post(url + PATH, json={**LASTING, "card_identifier": "TEST-ACTIVATE"}) as response:
        shown = problem(await response.read())
    assert response.status == 400
    assert shown["did_you_mean"][0] == "TEST-ACTIVATED"
    assert mock_headers(response) == set()


async def test_mock_violations_has_a_stable_order_and_no_values(url: str, client: aiohttp.ClientSession) -> None:
    """An ASCII JSON array of pointer, keyword and message, first the one that decided."""
    body = {"customer_id": 85, "pin": "s3cr3t", "card_identifier": "", "reference_batch": "Ünknown"}
    seen = set()
    for members in (body, dict(reversed(body.items()))):
        async with client.post(url + PATH, json=members) as response:
            seen.add(response.headers["Mock-Violations"])
    (shown,) = seen
    assert shown.isascii()
    first, *others = [violation["pointer"] for violation in json.loads(shown)]
    assert (first, others) == ("/customer_id", sorted(others))
    assert all(v.keys() == {"pointer", "keyword", "message"} for v in json.loads(shown))
    assert not any(value in shown for value in ("s3cr3t", "nknown", "85"))


async def test_mock_violations_and_warnings_are_bounded(tmp_path: Path, client: aiohttp.ClientSession) -> None:
    """Ten are listed, the rest are a number."""
    names = [f"{n:02}" + "\u00e9" * 200 for n in range(40)]
    files = {
        "many.yaml": """\
format: 1
assumptions: {extra: Members that are not declared are accepted.}
operations:
  many:
    request: POST /many
    body: many.schema.json
    warn: {unknown_members: {assumed: extra}}
    envelopes: {success: {status: 200, body: "${respond}"}}
""",
        "any.yaml": "{format: 1, operation: many, scenarios: [{scenario: any, assumed: [], respond: {success: 1}}]}",
        "many.schema.json": json.dumps({"type": "object", "properties": {n: {"type": "string"} for n in names}}),
    }
    async with edge.serving(Engine(load(folder(tmp_path, files)))) as url:
        body = {**dict.fromkeys(names, 1), **{f"x{name}": 1 for name in names}}
        async with client.post(f"{url}/many", json=body) as response:
            shown = [json.loads(response.headers[name]) for name in ("Mock-Violations", "Mock-Warnings")]
    assert [len(entries) - 1 + entries[-1]["more"] for entries in shown] == [40, 40]
    assert [len(entries) <= 11 for entries in shown] == [True, True]
    assert all(len(value) < 8_000 for value in response.headers.values())


async def test_one_setting_removes_all_mock_headers(contract: Contract, client: aiohttp.ClientSession) -> None:
    """From answers and refusals."""
    engine = Engine(contract, settings=replace(contract.settings, mock_headers=False))
    async with edge.serving(engine) as url:
        for method, body in [("POST", LASTING), ("POST", {}), ("PUT", {}), ("POST", {**LASTING, "customer_id": 1})]:
            async with client.request(method, url + PATH, json=body) as response:
                assert mock_headers(response) == set()


# -- start and stop -----------------------------------------------------------------------------------


async def test_a_client_that_leaves_leaves_no_trace() -> None:
    """Nothing on standard error; the next request is answered."""
    with serving() as serve:
        split = urlsplit(serve.url)
        reader, writer = await asyncio.open_connection(split.hostname, split.port)
        writer.write(head("POST", PATH, "Expect: 100-continue", length=50))
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()
        assert (await asyncio.to_thread(serve.post, LASTING))[0] == 200
        assert serve.stop() == 0
        assert serve.err.rest() == []


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"no HTTP at all\r\n\r\n",
        head("POST", PATH + "\xff", length=2) + b"{}",
        head("POST", PATH, "Authorization: s3cr3t" + "s3cr3t" * 2_000, length=2) + b"{}",
        head("POST", PATH, "Authorization: s3cr3t\x00", length=2) + b"{}",
        head("POST", PATH, "Transfer-Encoding: chunked") + b"s3cr3t\r\n",
    ],
)
async def test_bytes_that_are_not_http_are_logged_in_one_line(sent: bytes) -> None:
    """400, or 431 if too long; without a traceback and without the bytes."""
    with serving() as serve:
        assert (await raw(serve.url, sent)).splitlines()[0].split()[1] in (b"400", b"431")
        assert "mockserver: refused a request with 4" in serve.err.wait("mockserver:")
        assert (await asyncio.to_thread(serve.post, LASTING))[0] == 200
        assert serve.stop() == 0
        (line,) = serve.err.rest()
    assert "s3cr3t" not in line


@pytest.mark.parametrize(("broken", "status"), [("engine", 500), ("log", 200)])
async def test_an_error_of_the_server_shows_its_traceback(
    contract: Contract,
    client: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    broken: str,
    status: int,
) -> None:
    """One of the engine is answered; one of the log costs its line alone."""

    def fail(*_: object) -> Any:
        raise RuntimeError("broken on purpose")

    engine, records = Engine(contract), list[logs.AccessRecord]()
    if broken == "engine":
        monkeypatch.setattr(engine, "handle", fail)
    async with (
        edge.serving(engine, log=fail if broken == "log" else records.append) as url,
        client.post(url + PATH, json=LASTING) as response,
    ):
        assert response.status == status
        assert status == 200 or problem(await response.read())["type"].endswith("broken")
        assert response.headers["Server"].startswith("mockserver/")
    assert "broken on purpose" in caplog.text
    assert [record.reply.status for record in records] == ([500] if broken == "engine" else [])


async def test_a_failed_start_frees_the_port(contract: Contract) -> None:
    """The server can be started again."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        async with edge.serving(Engine(contract), port=taken.getsockname()[1]):
            pass


async def test_stop_before_start_does_nothing(contract: Contract) -> None:
    """It raises nothing."""
    await edge.Server(Engine(contract)).stop()


async def test_every_interface_takes_ipv4_and_ipv6(contract: Contract, client: aiohttp.ClientSession) -> None:
    """`--host ::` serves both."""
    if not socket.has_dualstack_ipv6():
        pytest.skip("no socket takes IPv4 and IPv6 here")
    async with edge.serving(Engine(contract), host="::") as url:
        port = url.rpartition(":")[2]
        for host in ("127.0.0.1", "[::1]"):
            async with client.get(f"http://{host}:{port}/__admin/health") as response:
                assert response.status == 200


@pytest.mark.parametrize(
    ("host", "target", "is_own"),
    [
        ("127.0.0.1", "http://127.0.0.1:PORT", True),
        ("127.0.0.1", "http://localhost:PORT/base", True),
        ("127.0.0.1", "https://127.0.0.1:PORT", True),
        ("127.0.0.1", "http://0.0.0.0:PORT", True),
        ("127.0.0.1", "http://127.1:PORT", True),
        ("127.0.0.1", "http://[::ffff:127.0.0.1]:PORT", True),
        ("127.0.0.1", "http://127.0.0.2:PORT", False),
        ("127.0.0.1", "http://127.0.0.1:1", False),
        ("127.0.0.1", "http://127.0.0.1", False),
        ("127.0.0.1", "https://nobody.invalid:PORT", False),
        ("0.0.0.0", "http://localhost:PORT", True),
        ("0.0.0.0", "http://127.0.0.2:PORT", True),
        ("0.0.0.0", "http://192.0.2.1:PORT", False),
        ("localhost", "http://127.0.0.1:PORT", True),
    ],
)
def test_a_url_leads_to_a_server_if_port_and_address_are_its_own(host: str, target: str, is_own: bool) -> None:
    """However the address is written; where it listens on all, each address of the machine is its own."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(one) for one in edge.open_sockets(host, 0)]
        assert edge.Ports(sockets, [], "", "").takes(target.replace("PORT", str(edge.port_of(sockets)))) is is_own
