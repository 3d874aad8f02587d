"""Fixtures: each storage that there is, fresh."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from mockserver import Contract
from tests.storage.storages import STORAGES, Clock, MakeStorage, Mock, NewMock, storages, use_contract


@pytest.fixture(params=STORAGES)
async def make_storage(request: pytest.FixtureRequest) -> AsyncIterator[MakeStorage]:
    """What makes a storage; one kind after the other."""
    async with storages(request.param) as make:
        yield make


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    """The small contract."""
    return use_contract(tmp_path_factory.mktemp("small"))


@pytest.fixture
def new_mock(make_storage: MakeStorage, small: Contract) -> NewMock:
    """Makes a storage of the small contract."""

    def make(**changes: Any) -> Mock:
        clock, settings = Clock(), replace(small.settings, **changes)
        return Mock(small, make_storage(small, settings, clock.now_ns, clock.monotonic), clock, settings)

    return make


@pytest.fixture
def mock(new_mock: NewMock) -> Mock:
    """A fresh storage of the small contract, with usual settings."""
    return new_mock()
