"""Lines of text to a stream, written by a thread of their own, so that nobody who logs ever waits.

Knows streams and their failures: a pipe that is closed or that nobody reads, a full disk. It knows no log.
"""

from __future__ import annotations

import contextlib
import io
import os
import queue
import sys
import threading
from typing import Final, TextIO

MOST_WAITING: Final = 10_000
"""Lines that may wait to be written; a reader that is slower than that loses some."""

LAST_SECONDS: Final = 2.0
"""How long the last lines may take to be written at the end."""


class Lines:
    """Writes lines. What cannot be written is lost, which is said once on standard error; nothing else stops."""

    def __init__(self, stream: TextIO) -> None:
        """Write to `stream`; the thread starts with the first line and never keeps the process alive."""
        self._stream = stream
        self._waiting: queue.Queue[str | None] = queue.Queue(MOST_WAITING)
        self._thread: threading.Thread | None = None
        self._noted = False

    def __call__(self, line: str) -> None:
        """Have a line written, soon."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True, name="lines")
            self._thread.start()
        try:
            self._waiting.put_nowait(line)
        except queue.Full:
            self._note("nobody reads them")

    def close(self) -> None:
        """Have what waits written, unless it takes too long."""
        if self._thread is not None:
            with contextlib.suppress(queue.Full):
                self._waiting.put(None, timeout=LAST_SECONDS)
            self._thread.join(LAST_SECONDS)
            self._thread = None

    def _work(self) -> None:
        while (line := self._waiting.get()) is not None:
            try:
                self._write(line + "\n")
            except (OSError, ValueError) as error:  # ValueError: the stream was closed
                self._note(str(error))

    def _write(self, text: str) -> None:
        try:
            number = self._stream.fileno()
        except io.UnsupportedOperation:
            self._stream.write(text)
            self._stream.flush()
            return
        # Past the stream's own buffer: a thread that waits inside it would hold its lock when the process ends.
        data = text.encode(self._stream.encoding or "utf-8", "backslashreplace")
        while data:
            data = data[os.write(number, data) :]

    def _note(self, reason: str) -> None:
        if not self._noted:
            self._noted = True
            with contextlib.suppress(OSError, ValueError):
                sys.stderr.write(f"mockserver: log lines are lost: {reason}\n")
