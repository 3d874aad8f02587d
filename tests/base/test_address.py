"""Addresses: the URL of a host, and parameters in paths."""

import pytest

from mockserver.base.address import base_url, escape_segment, host_name, public_url, unescape_segment


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:1"),
        ("", "http://127.0.0.1:1"),
        ("::", "http://127.0.0.1:1"),
        ("::1", "http://[::1]:1"),
        ("mock", "http://mock:1"),
    ],
)
def test_a_url_names_a_host_that_clients_can_reach(host: str, url: str) -> None:
    """A wildcard address becomes the loopback address in a URL."""
    assert base_url(host, 1) == url


@pytest.mark.parametrize(
    ("headers", "url"),
    [
        ({"host": "mock:8080"}, "http://mock:8080"),
        ({"host": "[::1]:8080"}, "http://[::1]:8080"),
        ({}, "http://127.0.0.1:8080"),
        ({"host": "a b"}, "http://127.0.0.1:8080"),
        ({"host": "mock", "proto": "https", "prefix": "/mock"}, "https://mock/mock"),
        ({"host": "mock", "host_": "test.example:8443"}, "http://test.example:8443"),
        (
            {"host": "mock", "proto": "https, http", "host_": "a.example, b.example", "prefix": "/a/b, /c"},
            "https://a.example/a/b",
        ),
        ({"host": "mock", "proto": "ftp", "host_": "$(date)", "prefix": "/'"}, "http://mock"),
        ({"host": "mock", "prefix": "mock"}, "http://mock"),
        ({"host": "mock", "prefix": "/"}, "http://mock"),
    ],
)
def test_a_client_reaches_a_server_by_what_it_or_a_proxy_says(headers: dict[str, str], url: str) -> None:
    """Nothing of it that a shell could take for more than an address."""
    forwarded = {name: f"x-forwarded-{name}" for name in ("proto", "prefix")} | {"host_": "x-forwarded-host"}
    sent = {forwarded.get(name, name): value for name, value in headers.items()}
    assert public_url(sent, "http") == url


def test_a_host_has_a_name() -> None:
    """Without the port."""
    assert [host_name(headers) for headers in ({"host": "mock:8080"}, {"host": "[::1]:1"}, {})] == [
        "mock",
        "[::1]",
        "127.0.0.1",
    ]


@pytest.mark.parametrize("value", ["a", "a/b", "%", "%2F", "%252F", "100%/x"])
def test_a_parameter_stands_in_a_path(value: str) -> None:
    """As one segment, from which it is read again."""
    assert "/" not in escape_segment(value)
    assert unescape_segment(escape_segment(value)) == value
