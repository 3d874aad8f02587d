"""Answers as they go over the wire: one write, whole, and safe from a header that holds the end of a line."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from support import LASTING, PATH, Serving, serving

from mockserver.contract import Reply
from mockserver.wire import head


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    with serving() as started:
        yield started


def test_the_head_of_an_answer() -> None:
    """Status line, headers in order, the length of the body, more lines, an empty one."""
    lines = head(Reply(201, (("A", "b"), ("C", "é")), b"{}"), "Connection: close").decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 201 Created"
    assert lines[1].startswith("Server: mockserver/")
    assert lines[2:5] == ["A: b", "C: é", "Content-Length: 2"]
    assert lines[5].startswith("Date: ")
    assert lines[5].endswith(" GMT")
    assert lines[6:] == ["Connection: close", "", ""]


def test_a_status_without_a_name() -> None:
    """Any number that HTTP allows can be answered."""
    assert head(Reply(599, (), b"")).startswith(b"HTTP/1.1 599 Unknown\r\n")


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: x", "a\nb", "a\rb"])
def test_a_header_cannot_begin_another(value: str) -> None:
    """What would end its line is refused."""
    with pytest.raises(ValueError, match="end of a line"):
        head(Reply(200, (("A", value),), b""))


@pytest.mark.parametrize("headers", [{}, {"Connection": "close"}])
@pytest.mark.parametrize("version", [(10, "HTTP/1.0"), (11, "HTTP/1.1")])
def test_whichever_way_an_answer_is_sent_it_says_the_same(
    server: Serving, version: tuple[int, str], headers: dict[str, str]
) -> None:
    """On a connection that stays open or not, in HTTP/1.0 or 1.1: the same headers but for the connection's."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    connection._http_vsn, connection._http_vsn_str = version  # type: ignore[attr-defined]
    connection.request("POST", PATH, json.dumps(LASTING), {"Content-Type": "application/json", **headers})
    response = connection.getresponse()
    body = json.loads(response.read())
    names = [name for name, _ in response.getheaders() if name != "Connection"]
    connection.close()
    assert body["text"] == "Success"
    assert sorted(names) == sorted(
        ["Content-Type", "Content-Length", "Date", "Server", "Mock-Scenario", "Mock-Source", "Mock-Assumed"]
        + ["Mock-Trigger", "Mock-Contract", "Mock-Entry", "Mock-Warnings"]
    )


def test_answers_follow_one_another_on_a_connection(server: Serving) -> None:
    """Requests sent at once, before any answer is read, are answered in turn."""
    host, port = urlsplit(server.url).hostname, urlsplit(server.url).port
    body = json.dumps(LASTING).encode()
    one = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (PATH.encode(), len(body), body)
    last = one.replace(b"Host: x", b"Host: x\r\nConnection: close")
    with socket.create_connection((host, port), timeout=30) as client:
        client.sendall(one * 9 + last)
        received = b"".join(iter(lambda: client.recv(65_536), b""))
    assert received.count(b"HTTP/1.1 200 OK") == 10
    assert received.count(b'"text":"Success"') == 10
