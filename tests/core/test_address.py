"""Where a server is found: the URL of a host."""

import pytest

from mockserver.core.address import base_url


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:1"),
        ("", "http://127.0.0.1:1"),
        ("::", "http://[::1]:1"),
        ("::1", "http://[::1]:1"),
        ("mock", "http://mock:1"),
    ],
)
def test_a_url_names_a_host_that_clients_can_reach(host: str, url: str) -> None:
    """A wildcard address becomes the loopback address in a URL."""
    assert base_url(host, 1) == url
