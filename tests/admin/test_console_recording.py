"""The console of a server that records."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from mockserver import running
from tests.support import MOCKSERVER, ONCE, PATH, Client, Serving, spawned
from tests.support.browser import Opened


@contextmanager
def recorder(target: str, *options: str) -> Iterator[Serving]:
    """A server that records what this provider answers."""
    with spawned(MOCKSERVER, "record", "--target", target, "--port", "0", *options) as serve:
        serve.started()
        yield serve


@pytest.fixture(scope="module")
def record() -> Iterator[Serving]:
    """A recorder in front of a provider that does what is asked and sends no answer."""
    with running() as provider:
        provider.arm(fault="empty", commit=True, times="always")
        with recorder(provider.url) as serve:
            yield serve


def lose_an_answer(serve: Client, sandbox: str) -> None:
    """A request whose answer the provider keeps to itself."""
    with pytest.raises(OSError, match=r"."):
        serve.post(ONCE, f"/sandbox/{sandbox}{PATH}")


@pytest.mark.parametrize(
    ("locale", "source", "retry"),
    [
        ("en-US", "provider", "The provider may have done what was asked, so a retry may find it done."),
        ("es-MX", "proveedor", "Es posible que el proveedor haya hecho lo solicitado"),
    ],
)
def test_a_provider_without_an_answer_may_have_changed_something(
    record: Serving, console: Opened, locale: str, source: str, retry: str
) -> None:
    """Nothing says that a retry is the first, nor that the client misused the mock."""
    lose_an_answer(record, locale)
    page = console(f"{record.url}/sandbox/{locale}/", locale=locale, tells=False)
    row = page.locator(".rows-body [role=row]")
    expect(row.locator(".source")).to_have_text(source)
    row.click()
    detail = page.locator(".detail")
    expect(detail.locator(".notice.bad")).to_contain_text(retry)
    expect(detail.locator(".entry-line")).to_contain_text(source)


def test_arming_says_that_the_provider_answers(record: Serving, console: Opened) -> None:
    """Refused where it has no effect; with a fallback the message says when it has one."""
    page = console(f"{record.url}/sandbox/arm/", tells=False)
    page.locator(".next > .primary").click()
    page.locator("dialog .choice-main", has_text="5001").click()
    expect(page.locator("dialog")).to_contain_text("This server records: the provider answers each request.")
    with recorder(record.url, "--fallback") as serve:
        page = console(f"{serve.url}/sandbox/arm/", tells=False, locale="es-MX")
        page.locator(".next > .primary").click()
        page.locator("dialog .choice-main", has_text="5001").click()
        expect(page.locator(".toast")).to_contain_text("(solo mientras no haya conexión con el proveedor)")
