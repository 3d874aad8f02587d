"""A lock among processes."""

from __future__ import annotations

import os

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None  # type: ignore[assignment]


class ProcessLock:
    """A lock that processes share which are forked from this one; the system releases it when its holder ends."""

    def __init__(self) -> None:
        """Make a file in memory, which nobody else sees."""
        self._file = os.memfd_create("mockserver-lock")

    def __enter__(self) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_UN)
