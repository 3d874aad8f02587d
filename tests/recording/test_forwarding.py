"""Requests reach the provider as they came, and its answers the client, byte for byte."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import trustme

from mockserver import Contract, Engine
from mockserver.provider.target import Target
from mockserver.server.server import serving
from tests.support import PATH, answer, head, raw, until
from tests.support.recording import entries, entry, recording
from tests.support.scripted_provider import OK, ScriptedProvider, Step, scripted_provider

BODY = b'{"customer_id": "1",  "x": 1.0}'
COMPRESSED = gzip.compress(BODY)


def plain(status: str, *headers: str, body: bytes = b"") -> bytes:
    """An answer with the length of its body."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


@pytest.fixture
async def provider() -> AsyncIterator[ScriptedProvider]:
    async with scripted_provider() as running:
        yield running


ANSWERS = {
    "JSON": plain("200 OK", "content-type: application/json", "X-Odd_Case: a  b", body=BODY),
    "compressed": plain("200 OK", "Content-Encoding: gzip", "Content-Type: application/json", body=COMPRESSED),
    "in an encoding that nobody reads": plain("200 OK", "Content-Encoding: br", body=b"\x8b\x00\x80\xff"),
    "repeated headers": plain("200 OK", "Set-Cookie: a=1", "Date: x", "Set-Cookie: b=2", "Server: them", body=b"{}"),
    "a header that is no UTF-8": plain("200 OK", "X-Name: \xe9\xff", body=b"{}"),
    "a long header": plain("200 OK", f"X-Long: {'x' * 20_000}", body=b"{}"),
    "many headers": plain("200 OK", *(f"X-{number}: 1" for number in range(500)), body=b"{}"),
    "a page of a gateway": plain("502 Bad Gateway", "Content-Type: text/html", body=b"<html>no</html>"),
    "a redirect": plain("302 Found", "Location: https://elsewhere.example/?token=abc", body=b""),
    "other words": plain("200 Sí, claro", body=b"{}"),
    "no words": plain("200 ", body=b"{}"),
    "an odd status": plain("599 Odd", body=b"{}"),
    "no content": b"HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n",
    "not modified": b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n',
    "an empty body": plain("200 OK"),
    "bytes": plain("200 OK", "Content-Type: application/octet-stream", body=bytes(range(256)) * 300),
    "a large body": plain("200 OK", body=b"[" + b"1," * 1_000_000 + b"1]"),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_is_the_same_through_the_proxy(
    contract: Contract, provider: ScriptedProvider, client: aiohttp.ClientSession, name: str
) -> None:
    """Status line, headers in their order and case, and body; only that the connection ends is said by us."""
    provider.script = [ANSWERS[name]]
    sent = head("POST", PATH, "Connection: close", length=len(BODY)) + BODY
    direct = await raw(provider.url, sent)
    async with recording(contract, provider.url) as url:
        assert (await raw(url, sent)).replace(b"\r\nConnection: close\r\n\r\n", b"\r\n\r\n", 1) == direct
        assert (await entry(client, url))["status"] == int(direct.split()[1])


async def test_a_connection_serves_several_answers(contract: Contract, provider: ScriptedProvider) -> None:
    """It stays open between them, as the client asks."""
    provider.script = [ANSWERS["compressed"]]
    async with recording(contract, provider.url) as url:
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        for _ in range(3):
            writer.write(head("POST", PATH, length=len(BODY)) + BODY)
            _status, headers, body = await answer(reader)
            assert (headers["content-encoding"], body) == ("gzip", COMPRESSED)
        writer.close()


CHUNKS = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"2\r\n[1\r\n", b"3\r\n,2]\r\n", b"0\r\n\r\n"]
UNTIL_CLOSED = [b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n", b"one ", b"two"]


@pytest.mark.parametrize(("script", "body"), [(CHUNKS, b"[1,2]"), (UNTIL_CLOSED, b"one two")])
async def test_a_body_without_a_length_is_streamed(
    contract: Contract, provider: ScriptedProvider, client: aiohttp.ClientSession, script: list[bytes], body: bytes
) -> None:
    """Each piece is passed on when it comes, before the next."""
    events = [asyncio.Event() for _ in script]
    provider.script = [step for pair in zip(script, events, strict=True) for step in pair]
    async with recording(contract, provider.url) as url, client.post(url + PATH, data=BODY) as response:
        received = b""
        for event, piece in zip(events, script, strict=True):
            while not received.endswith(piece[-3:].strip(b"\r\n") if piece in script[1:-1] else b""):
                received += await response.content.readany()
            event.set()
        received += await response.content.read()
        assert received == body
        assert (await entry(client, url))["status"] == 200


async def test_a_request_comes_as_it_was_sent(contract: Contract, provider: ScriptedProvider) -> None:
    """But for what concerns the connection, the host, and what is for the mock."""
    target = "/debit/v1/a%2Fb//c;x=1?q=%41+b&q=&r"
    headers = ["X-A: 1", "x-b: 2", "X-A: 3", "Cookie: s=1", "Keep-Alive: 5", "X-Hop: 1", "TE: trailers"]
    headers += ["Content-Encoding: gzip", "Mock-Sandbox: one", "Expect: 100-continue", "Connection: close, X-Hop"]
    async with recording(contract, provider.url + "/base/") as url:
        await raw(url, head("PATCH", target, *headers, length=len(COMPRESSED)) + COMPRESSED)
        await raw(url, head("GET", "/sandbox/two" + PATH, "Connection: close"))
    first, second = provider.requests
    assert (
        first
        == (
            f"PATCH /base{target} HTTP/1.1\r\nHost: {provider.url.removeprefix('http://')}\r\n"
            f"X-A: 1\r\nx-b: 2\r\nX-A: 3\r\n"
            f"Cookie: s=1\r\nContent-Encoding: gzip\r\nContent-Length: {len(COMPRESSED)}\r\nConnection: close\r\n\r\n"
        ).encode()
        + COMPRESSED
    )
    assert second.startswith(f"GET /base{PATH} HTTP/1.1\r\n".encode())


async def test_a_header_in_two_spellings_keeps_all_its_values(contract: Contract, provider: ScriptedProvider) -> None:
    """In the spelling of the first."""
    async with recording(contract, provider.url) as url:
        await raw(url, head("GET", PATH, "X-Tenant: a", "X-B: 1", "x-tenant: b", "X-TENANT: a", "Connection: close"))
    assert b"\r\nX-Tenant: a\r\nX-B: 1\r\nX-Tenant: b\r\nX-Tenant: a\r\n" in provider.requests[0]


async def test_a_header_that_is_no_utf8_is_not_sent_in_part(
    contract: Contract, provider: ScriptedProvider, client: aiohttp.ClientSession
) -> None:
    """The HTTP library would drop its bytes; other characters beyond ASCII are forwarded."""
    sent = head("POST", PATH, "X-Name: NAME", "Connection: close", length=0)
    async with recording(contract, provider.url) as url:
        assert (await raw(url, sent.replace(b"NAME", "Pérez".encode()))).startswith(b"HTTP/1.1 200 ")
        refused = await raw(url, sent.replace(b"NAME", "Pérez".encode("latin-1")))
        kept = await entry(client, url, 2)
    assert refused.startswith(b"HTTP/1.1 400 ")
    assert b"X-Name has bytes that are not UTF-8" in refused
    assert (kept["problem"], len(provider.requests)) == ("header-not-forwarded", 1)
    assert "\r\nX-Name: Pérez\r\n".encode() in provider.requests[0]


async def test_an_answer_to_head_has_no_body(contract: Contract, provider: ScriptedProvider) -> None:
    """Its length is that of the body that GET would get."""
    provider.script = [b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"]
    async with recording(contract, provider.url) as url:
        got = await raw(url, head("HEAD", "/x", "Connection: close"))
    assert got == b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\n"


HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ([HALF], "the answer breaks off: the provider closed the connection"),
        ([HALF, "reset"], "the answer breaks off: the provider reset the connection"),
        ([*CHUNKS[:2], "reset"], "the answer breaks off: the provider reset the connection"),
    ],
)
async def test_an_answer_that_breaks_off_does_so_for_the_client(
    contract: Contract, provider: ScriptedProvider, client: aiohttp.ClientSession, script: list[Step], reason: str
) -> None:
    """The connection is closed or reset after what came; the entry says why."""
    pause = asyncio.Event()
    provider.script = [*script[:-1], pause, script[-1]] if script[-1] == "reset" else script
    async with recording(contract, provider.url) as url:
        async with client.post(url + PATH, data=BODY) as response:
            await response.content.readany()
            pause.set()
            with pytest.raises(aiohttp.ClientPayloadError) as broken:
                await response.content.read()
        assert ("ConnectionResetError" in str(broken.value)) is ("reset" in script)
        recorded = (await entry(client, url))["recording"]
        assert (recorded["words"], recorded["reason"]) == ("unknown", reason)


@pytest.mark.parametrize(
    ("script", "fault", "error"),
    [
        ([], "empty", aiohttp.ServerDisconnectedError),
        (["reset"], "reset", aiohttp.ClientOSError),
    ],
)
async def test_a_provider_that_ends_the_connection_ends_that_of_the_client(
    contract: Contract,
    provider: ScriptedProvider,
    client: aiohttp.ClientSession,
    script: list[Step],
    fault: str,
    error: type,
) -> None:
    """There is no answer; the entry says what the provider did."""
    provider.script = script
    async with recording(contract, provider.url) as url:
        with pytest.raises(error):
            await client.post(url + PATH, data=BODY)
        kept = await entry(client, url)
        assert (kept["problem"], kept["fault"], kept["recorded"]) == ("provider-closed", fault, None)
        assert len(provider.requests) == 1


async def test_a_provider_that_is_gone(contract: Contract, client: aiohttp.ClientSession) -> None:
    """The client gets a problem that says why, and so does the entry."""
    async with scripted_provider() as provider:
        gone = provider.url
    async with recording(contract, gone) as url:
        async with client.post(url + PATH, data=BODY) as response:
            assert (response.status, (await response.json())["detail"]) == (502, "No connection: Connection refused.")
        assert (await entry(client, url))["problem"] == "provider-unreachable"


async def test_a_slow_provider(contract: Contract, provider: ScriptedProvider, client: aiohttp.ClientSession) -> None:
    """The client waits as long as the option says."""
    provider.script = [asyncio.Event()]
    async with recording(contract, Target(provider.url, timeout=1.0)) as url:
        async with client.post(url + PATH, data=BODY) as response:
            assert (response.status, (await response.json())["title"]) == (504, "The provider did not answer in time")
        provider.script = [HALF, asyncio.Event()]
        async with client.post(url + PATH, data=BODY) as response:
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.read()
        assert (await entry(client, url, 2))["recording"]["reason"] == (
            "the answer breaks off: the provider sent nothing more in time"
        )


async def test_a_provider_that_does_not_speak_http(
    contract: Contract, provider: ScriptedProvider, client: aiohttp.ClientSession
) -> None:
    """What it sends cannot be passed on."""
    provider.script = [b"SSH-2.0-OpenSSH\r\n\r\n"]
    async with recording(contract, provider.url) as url, client.post(url + PATH, data=BODY) as response:
        shown = await response.json()
        assert (response.status, shown["type"]) == (502, "urn:mockserver:problem:provider-not-http")
        assert shown["detail"] == "No answer: it sent what is not HTTP/1.1."


async def test_tls_is_verified(contract: Contract, client: aiohttp.ClientSession, tmp_path: Path) -> None:
    """A certificate of an unknown authority is refused, with the reason; with `cacert` it is trusted."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    async with scripted_provider(context) as provider:
        async with recording(contract, provider.url) as url, client.post(url + PATH, data=BODY) as response:
            assert response.status == 502
            assert "its certificate is not trusted" in (await response.json())["detail"]
        trusting = Target(provider.url, cacert=str(tmp_path / "ca.pem"))
        async with recording(contract, trusting) as url, client.post(url + PATH, data=BODY) as response:
            assert (response.status, await response.read()) == (200, b"{}")
    assert len(provider.requests) == 1


async def test_a_provider_that_does_not_speak_tls(contract: Contract, client: aiohttp.ClientSession) -> None:
    """The reason is in our words."""
    async with (
        serving(Engine(contract)) as plain,
        recording(contract, plain.replace("http:", "https:")) as url,
        client.post(url + PATH, data=BODY) as response,
    ):
        assert (response.status, (await response.json())["detail"]) == (502, "No connection: it does not speak TLS.")


async def test_a_proxy_is_used_only_if_it_is_named(
    contract: Contract, provider: ScriptedProvider, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment names none."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with recording(contract, provider.url) as url, client.post(url + PATH, data=BODY) as response:
        assert response.status == 200
    there = Target("http://provider.example", proxy=provider.url)
    async with recording(contract, there) as url, client.post(url + PATH, data=BODY) as response:
        assert response.status == 200
    assert provider.requests[1].startswith(f"POST http://provider.example{PATH} HTTP/1.1\r\n".encode())


async def test_a_client_that_leaves_loses_nothing_of_the_record(
    contract: Contract, provider: ScriptedProvider, client: aiohttp.ClientSession
) -> None:
    """What the provider did is in the journal all the same."""
    answered = asyncio.Event()
    provider.script = [answered, OK]
    async with recording(contract, provider.url) as url:
        asking = asyncio.ensure_future(client.post(url + PATH, data=BODY))
        await until(lambda: provider.requests)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        answered.set()
        while not (found := await entries(client, url)):  # noqa: ASYNC110 - the journal is in the server
            await asyncio.sleep(0.01)
        assert (found[0]["status"], found[0]["client_left"]) == (200, True)
