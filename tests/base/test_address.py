"""Addresses: the URL of a host, and parameters in paths."""

import pytest

from mockserver.base.address import base_url, escape_segment, unescape_segment


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


@pytest.mark.parametrize("value", ["a", "a/b", "%", "%2F", "%252F", "100%/x"])
def test_a_parameter_stands_in_a_path(value: str) -> None:
    """As one segment, from which it is read again."""
    assert "/" not in escape_segment(value)
    assert unescape_segment(escape_segment(value)) == value
