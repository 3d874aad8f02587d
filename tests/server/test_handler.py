"""A request from the socket to its answer: any client, header case, and the connection after a refusal."""

import asyncio
import http.client
import json
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import aiohttp
import httpx
import pytest
import requests
import urllib3

from tests.support import LASTING, PATH, PATIENCE, Serving, answer, head, raw, serving
from tests.support.tools import skip_without

BODY = json.dumps(LASTING).encode()
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    with serving("--log-format", "none") as started:
        yield started


def by_http_client(url: str) -> bytes:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
    connection.request("POST", PATH, BODY, JSON)
    with connection.getresponse() as response:
        data = response.read()
    connection.close()
    return data


def by_urllib(url: str) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, BODY, JSON), timeout=PATIENCE) as response:
        return bytes(response.read())


def by_urllib3(url: str) -> bytes:
    with urllib3.PoolManager() as pool:
        return pool.request("POST", url, body=BODY, headers=JSON, timeout=PATIENCE).data


def by_requests(url: str) -> bytes:
    return requests.post(url, json=LASTING, timeout=PATIENCE).content


def by_requests_in_chunks(url: str) -> bytes:
    return requests.post(url, data=iter([BODY[:5], BODY[5:]]), headers=JSON, timeout=PATIENCE).content


def by_httpx(url: str) -> bytes:
    return httpx.post(url, json=LASTING, timeout=PATIENCE).content


def by_httpx_in_chunks(url: str) -> bytes:
    with httpx.Client() as client:
        return client.post(url, content=iter([BODY]), headers=JSON, timeout=PATIENCE).content


def by_aiohttp(url: str) -> bytes:
    async def post() -> bytes:
        async with aiohttp.ClientSession() as session, session.post(url, json=LASTING) as response:
            return await response.read()

    return asyncio.run(post())


def by_http_1_0(url: str) -> bytes:
    address = urlsplit(url)
    with socket.create_connection((str(address.hostname), int(address.port or 0)), PATIENCE) as connection:
        connection.sendall(f"POST {PATH} HTTP/1.0\r\nContent-Length: {len(BODY)}\r\n\r\n".encode() + BODY)
        with connection.makefile("rb") as shown:
            return shown.read().partition(b"\r\n\r\n")[2]


def by_curl(url: str, *options: str) -> bytes:
    skip_without("curl")
    command = ["curl", "-s", *options, "-d", BODY.decode(), url]
    return subprocess.run(command, capture_output=True, check=True, timeout=PATIENCE).stdout


def by_curl_with_expect(url: str) -> bytes:
    return by_curl(url, "-H", "Expect: 100-continue")


def by_curl_with_an_upgrade(url: str) -> bytes:
    return by_curl(url, "--http2")


def by_wget(url: str) -> bytes:
    return _by_program(
        "wget", "-q", "-O-", f"--post-data={BODY.decode()}", "--header=Content-Type: application/json", url
    )


def by_fetch_of_node(url: str) -> bytes:
    code = (
        "fetch(process.argv[1], {method: 'POST', body: process.argv[2]}).then(async (r) => console.log(await r.text()))"
    )
    return _by_program("node", "-e", code, url, BODY.decode())


def by_http_of_node(url: str) -> bytes:
    code = (
        "require('http').request(process.argv[1], {method: 'POST'}, (r) => r.pipe(process.stdout)).end(process.argv[2])"
    )
    return _by_program("node", "-e", code, url, BODY.decode())


def by_http_tiny_of_perl(url: str) -> bytes:
    code = "print HTTP::Tiny->new->post($ARGV[0], {content => $ARGV[1]})->{content}"
    return _by_program("perl", "-MHTTP::Tiny", "-e", code, url, BODY.decode())


def by_bash(url: str) -> bytes:
    address = urlsplit(url)
    code = 'exec 3<>"/dev/tcp/$0/$1"; printf %s "$2" >&3; cat <&3'
    sent = head("POST", PATH, "Connection: close", length=len(BODY)).decode() + BODY.decode()
    shown = _by_program("bash", "-c", code, str(address.hostname), str(address.port), sent)
    return shown.partition(b"\r\n\r\n")[2]


def _by_program(*command: str) -> bytes:
    if shutil.which(command[0]) is None:
        pytest.skip(f"needs {command[0]}")
    return subprocess.run(command, capture_output=True, check=True, timeout=PATIENCE).stdout


CLIENTS: list[Callable[[str], bytes]] = [
    *(by_http_client, by_urllib, by_urllib3, by_requests, by_requests_in_chunks, by_httpx, by_aiohttp, by_http_1_0),
    *(by_curl, by_curl_with_expect, by_curl_with_an_upgrade),
    *(by_wget, by_fetch_of_node, by_http_of_node, by_http_tiny_of_perl, by_bash, by_httpx_in_chunks),
]


@pytest.mark.parametrize("post", CLIENTS, ids=[client.__name__ for client in CLIENTS])
def test_each_client_gets_the_same_answer(server: Serving, post: Callable[[str], bytes]) -> None:
    """But for the time in it."""
    shown = json.loads(post(server.url + PATH))
    assert shown["payload"]["customer_id"] == LASTING["customer_id"]
    assert shown["payload"]["status"] == "activated"


@pytest.mark.parametrize("name", ["mock-scenario", "MOCK-SCENARIO", "mOcK-sCeNaRiO"])
async def test_header_names_are_read_in_any_case(url: str, name: str) -> None:
    """Also those of the framing."""
    body = json.dumps(LASTING).encode()
    sent = f"POST {PATH} HTTP/1.1\r\nhOsT: mock\r\n{name}: rfc-invalid\r\ncontent-LENGTH: {len(body)}\r\n"
    shown = await raw(url, sent.encode() + b"CONNECTION: close\r\n\r\n" + body)
    assert shown.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"Mock-Scenario: rfc-invalid\r\n" in shown


REFUSED: dict[str, tuple[bytes, int]] = {
    "unknown path": (head("GET", "/nothing"), 404),
    "method": (head("PUT", PATH, length=0), 405),
    "unknown scenario": (head("POST", PATH, "Mock-Scenario: none", length=2) + b"{}", 400),
    "directive": (head("POST", PATH, "Mock-Delay: soon", length=2) + b"{}", 400),
    "sandbox name": (head("POST", PATH, "Mock-Sandbox: a b", length=2) + b"{}", 400),
    "two sandboxes": (head("POST", f"/sandbox/a{PATH}", "Mock-Sandbox: b", length=2) + b"{}", 400),
    "no json": (head("POST", PATH, length=1) + b"{", 400),
    "chunked no json": (head("POST", PATH, "Transfer-Encoding: chunked") + b"1\r\n{\r\n0\r\n\r\n", 400),
    "admin path": (head("GET", "/__admin/nothing"), 404),
    "admin body": (head("POST", "/__admin/arm", length=1) + b"{", 400),
    "admin method": (head("PATCH", "/__admin/health", length=0), 405),
    "foreign page": (head("POST", "/__admin/reset", "Origin: http://evil.example", length=0), 403),
    "failed claim": (head("POST", "/__admin/verify", length=26) + b'{"count": {"at_least": 9}}', 409),
}


@pytest.mark.parametrize("refused", REFUSED)
async def test_a_refusal_keeps_the_connection(url: str, refused: str) -> None:
    """The next request on it is answered."""
    sent, status = REFUSED[refused]
    body = json.dumps(LASTING).encode()
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(sent)
    first, headers, _ = await answer(reader)
    assert (first.split()[1], headers.get("connection", "")) == (str(status), "")
    writer.write(head("POST", PATH, length=len(body)) + body)
    assert (await answer(reader))[0] == "HTTP/1.1 200 OK"
    writer.close()


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_a_connection_ends_after_an_answer_in_pieces(url: str, version: str) -> None:
    """As its head says, whatever the client asked for: over HTTP/1.0 that end is the end of the body."""
    sent = f"GET /__admin/state HTTP/{version}\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n\r\n"
    received = await raw(url, sent.encode())
    assert b"Connection: close\r\n" in received
    assert received.endswith(b"}" if version == "1.0" else b"\r\n0\r\n\r\n")
