"""Long work in steps."""

import asyncio

import pytest

from mockserver.storage import pacing
from mockserver.storage.pacing import Pacer


async def test_a_step_that_took_its_time_lets_others_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A short one goes on."""
    turns: list[str] = []

    async def other() -> None:
        turns.append("other")

    task = asyncio.ensure_future(other())
    monkeypatch.setattr(pacing, "STEP_SECONDS", 1_000)
    await Pacer().pause()
    assert turns == []
    monkeypatch.setattr(pacing, "STEP_SECONDS", 0)
    await Pacer().pause()
    assert turns == ["other"]
    await task
