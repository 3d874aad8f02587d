"""Heads that are refused: with which status, and that the reason stands in the answer and in the log."""

import asyncio
import json

import pytest

from mockserver import Contract, Engine
from mockserver.http_api.safety import Access
from mockserver.server.server import serving
from tests.support import LASTING, PATH, head, journal, problem, raw

BODY = json.dumps(LASTING).encode()


def sent(line: str, *headers: str, body: bytes = BODY) -> bytes:
    """A request of these lines, with the length of its body."""
    lines = [line, *headers, "Connection: close", f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def post(*headers: str) -> bytes:
    """A request that succeeds, but for these headers."""
    return sent(f"POST {PATH} HTTP/1.1", *headers)


CHUNKED = b"2\r\n{}\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "host", ["a", "a:80", "127.0.0.1:1", "[::1]:8080", "[fe80::1%25eth0]", "my_service", "", "a:", "a:65535"]
)
async def test_a_host_is_taken(url: str, host: str) -> None:
    """Names, addresses, and none: what clients send."""
    assert (await raw(url, post(f"Host: {host}"))).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("target", "status"),
    [
        *((f"{origin}{PATH}", 200) for origin in ("http://a", "HTTP://a:65535", "https://[::1]:1", "http://a:")),
        *((f"http://{host}{PATH}", 400) for host in ("a:99999", "a:65536", "u:p@a", "u@a", "", "[::1", "a:x", "a,b")),
        (f"ftp://a{PATH}", 400),
        (f"//a:99999{PATH}", 404),
        ("a:443", 400),
    ],
)
async def test_an_absolute_target_has_a_host(url: str, target: str, status: int) -> None:
    """By the rule for `Host`: as proxies are asked, and as an origin server has to take it."""
    assert (await raw(url, sent(f"POST {target} HTTP/1.1", "Host: a"))).startswith(b"HTTP/1.1 %d " % status)


@pytest.mark.parametrize(
    ("request_", "status", "said"),
    [
        *((post(f"Host: {host}"), 400, f"got {host}.") for host in ("x/path", "a, b", "a b", "a:1:2")),
        (post("Host: me:secret@x"), 400, "got xx:xxxxxx@x."),
        *(
            (post(f"Host: {host}"), 400, f"got {host}.")
            for host in ("[::1", "x?y", "x#y", "a:123456", "a,b", "a:65536", "[::1]:99999")
        ),
        (post("Host: \xfc"), 400, "as Host, got"),
        (post(), 400, "Expected Host, got none."),
        (post("Host: a", "Host: b"), 400, "Expected one Host, got several."),
        *(
            (sent(f"POST {PATH} HTTP/{v}", "Host: a"), 505, f"got HTTP/{v}.")
            for v in ("2.0", "0.9", "1.2", "3", "1.10")
        ),
        (b"GET /\r\n\r\n", 505, "got HTTP/0.9."),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "got HTTP/2.0."),
        *(
            (sent(f"{m} {PATH} HTTP/1.1", "Host: a"), 501, f"no method {m} ")
            for m in ("FOO", "post", "CONNECT", "A" * 30)
        ),
        (head("POST", PATH, "Transfer-Encoding: gzip, chunked") + CHUNKED, 501, "got gzip, chunked."),
        (head("POST", PATH, "Transfer-Encoding: gzip") + CHUNKED, 501, "got gzip."),
        (head("POST", PATH, "Transfer-Encoding:", length=2) + b"{}", 400, "got an empty one."),
        (head("POST", PATH, "Transfer-Encoding: chunked, chunked") + CHUNKED, 400, "Transfer-Encoding"),
        (head("POST", PATH, "Transfer-Encoding: chunked", length=2) + CHUNKED, 400, "Transfer-Encoding, got both."),
        (head("POST", PATH, "Content-Length: +2") + b"{}", 400, "Expected a number of bytes"),
        (head("POST", PATH, "X : a", length=2) + b"{}", 400, "Expected NAME: VALUE"),
        (head("POST", PATH + " x", length=2) + b"{}", 400, "The request line"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40), 400, "got TLS"),
        (b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400, "The request line"),
        (head("POST", PATH, "Content-Length: 2", length=2) + b"{}", 400, "Expected one Content-Length"),
        (head("POST", PATH, "X: a", " b", length=2) + b"{}", 400, "a line for each."),
        (head("POST", PATH, "Transfer-Encoding: chunked") + b"x", 400, "The chunk framing"),
        (head("POST", PATH, "Connection: close", length=0) + b"x", 400, "Bytes follow"),
    ],
)
async def test_a_head_that_is_refused(
    contract: Contract, caplog: pytest.LogCaptureFixture, request_: bytes, status: int, said: str
) -> None:
    """One answer of HTTP/1.1, in which the reason stands as in the log; then the connection is closed."""
    async with serving(Engine(contract)) as url:
        top, _, body = (await raw(url, request_)).partition(b"\r\n\r\n")
    assert top.split()[:2] == [b"HTTP/1.1", b"%d" % status]
    assert b"\r\nServer: mockserver/" in top
    assert said in problem(body)["detail"]
    (record,) = caplog.records
    assert record.getMessage() == f"mockserver: refused a request with {status}: {problem(body)['detail']}"


async def test_a_refused_head_that_was_read_is_in_the_journal(contract: Contract) -> None:
    """With its method and path; one that is no HTTP at all has neither."""
    engine = Engine(contract)
    async with serving(engine) as url:
        await raw(url, post("Host: user@x"))
        await raw(url, sent(f"POST {PATH} HTTP/2.0", "Host: a"))
        await raw(url, b"no HTTP\r\n\r\n")
    entries = [(entry.request.target, entry.reply.status, entry.problem) for entry in journal(engine)]
    assert sorted(entries, key=str) == [(PATH, 400, "no-http"), (PATH, 505, "unsupported-http")]


async def test_a_refused_head_is_no_preflight(contract: Contract) -> None:
    """What a browser asks is refused like anything else, and so is `OPTIONS *`."""
    access = Access(cors_origins=("*",))
    asking = ("Origin: http://a", "Access-Control-Request-Method: POST")
    async with serving(Engine(contract), access=access) as url:
        for target in (PATH, "*"):
            good = await raw(url, sent(f"OPTIONS {target} HTTP/1.1", "Host: a", *asking, body=b""))
            bad = await raw(url, sent(f"OPTIONS {target} HTTP/1.1", "Host: a b", *asking, body=b""))
            assert (good.split()[1], bad.split()[1]) == (b"204", b"400")


async def test_the_admin_api_refuses_the_same_heads(url: str) -> None:
    """On whatever port it is."""
    answer = await raw(url, sent("GET /__admin/health HTTP/1.1", "Host: user@x", body=b""))
    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "line",
    ["GET s3cr3t?pin=s3cr3t HTTP/1.1", "GET /?s3cr3t\x00 HTTP/1.1", "s3cr3t", "GET /x HTTP/1.1\r\nX: s3cr3t\x00"],
)
async def test_a_refusal_shows_nothing_of_what_cannot_be_read(
    contract: Contract, caplog: pytest.LogCaptureFixture, line: str
) -> None:
    """Neither alone nor behind another request: it may be a secret."""
    async with serving(Engine(contract)) as url:
        for before in (b"", head("POST", PATH, length=2) + b"{}"):
            came = await raw(url, before + line.encode() + b"\r\nHost: a\r\n\r\n")
            await asyncio.sleep(0)
            assert b" 400 Bad Request\r\n" in came
            assert b"s3cr3t" not in came
    assert "s3cr3t" not in caplog.text
