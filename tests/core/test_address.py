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
def test_a_url_reaches_the_host_that_is_listened_on(host: str, url: str) -> None:
    """An address that stands for all is shown as one that can be called."""
    assert base_url(host, 1) == url
