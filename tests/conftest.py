"""Fixtures: the shipped contract, and a server of it on a free port."""

import signal
from collections.abc import AsyncIterator, Iterator

import aiohttp
import hypothesis
import pytest

from mockserver import Contract, Engine, load
from mockserver.admin.routes import endpoints
from mockserver.server.server import serving
from tests.support.drifting_provider import Provider, drifting_provider

# A run in the background of a shell ignores SIGINT, and so would the commands that tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A machine that is busy with other things is no reason to fail.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")


@pytest.fixture(scope="session")
def contract() -> Contract:
    return load()


@pytest.fixture
async def url(contract: Contract) -> AsyncIterator[str]:
    async with serving(Engine(contract, admin_endpoints=endpoints)) as base:
        yield base


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture(scope="module")
def running_provider() -> Iterator[Provider]:
    with drifting_provider() as provider:
        yield provider


@pytest.fixture
def provider(running_provider: Provider) -> Iterator[Provider]:
    """A provider that answers as the contract says, until a test gives it drifts."""
    running_provider.requests.clear()
    yield running_provider
    running_provider.drifts.clear()
    running_provider.every = None
