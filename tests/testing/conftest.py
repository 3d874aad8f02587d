"""With `OVER_STORE=1` all servers of these tests have a store, as servers that share one do."""

from __future__ import annotations

import pytest

from tests.support.stores import OVER_STORE, engine_over_store, needs_redis


@pytest.fixture
def over_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each server of `running()` a store."""
    needs_redis()
    monkeypatch.setattr("mockserver.testing.running.Engine", engine_over_store)


if OVER_STORE:

    @pytest.fixture(autouse=True)
    def _always_over_store(over_store: None) -> None:
        """All of them."""
