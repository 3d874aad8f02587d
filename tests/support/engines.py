"""An engine in this process, used without waiting."""

from __future__ import annotations

from mockserver import Engine, Explanation, Request
from mockserver.engine.engine import run_sync
from mockserver.entries.journal_entry import JournalEntry, decode_entry


def journal(engine: Engine, sandbox: str | None = "") -> list[JournalEntry]:
    """The documents of the journal, newest first; of all sandboxes for None."""
    return [decode_entry(entry.data) for entry in run_sync(engine.storage.entries(sandbox))]


def explain(engine: Engine, request: Request) -> Explanation:
    """What would answer a request, and why."""
    return run_sync(engine.explain(request))


def reset(engine: Engine, sandbox: str = "") -> None:
    """Bring a sandbox back to its seeds."""
    run_sync(engine.storage.reset(sandbox))
