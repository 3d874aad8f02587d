"""Fixtures: the shipped contract, and a server of it on a free port."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from mockserver import Contract, Engine, load
from mockserver.admin_routes import PATHS
from mockserver.server import serving


@pytest.fixture(scope="session")
def contract() -> Contract:
    return load()


@pytest.fixture
async def url(contract: Contract) -> AsyncIterator[str]:
    async with serving(Engine(contract, admin_paths=PATHS)) as base:
        yield base


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session
