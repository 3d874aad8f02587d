"""Fixtures of the console's tests: a browser for each module, whose tabs are used again."""

from collections.abc import Iterator

import pytest

from tests.support.browser import Opened, Tabs, browsing, opening


@pytest.fixture(scope="module")
def tabs() -> Iterator[Tabs]:
    with browsing() as browser:
        yield Tabs(browser)


@pytest.fixture
def console(tabs: Tabs) -> Iterator[Opened]:
    with opening(tabs) as opened:
        yield opened
