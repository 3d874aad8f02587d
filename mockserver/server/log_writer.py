"""Lines of text to a stream, written by a thread of their own, so that nobody who logs ever waits.

A pipe that is closed or that nobody reads, and a full disk, cost lines and nothing else.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
from collections import deque
from typing import Final, TextIO

MAX_WAITING: Final = 10_000
"""Lines that may wait to be written; a reader that is slower than that loses some."""

GATHER_SECONDS: Final = 0.02
"""Seconds for which lines are gathered before they are written: to wake a thread takes longer than to answer."""

CLOSE_SECONDS: Final = 2.0
"""How long the last lines may take to be written at the end."""


class Lines:
    """Writes lines. What cannot be written is lost, which is said once on standard error; nothing else stops."""

    def __init__(self, stream: TextIO) -> None:
        """Write to `stream`; the thread starts with the first line and never keeps the process alive."""
        self._stream = stream
        self._waiting: deque[str] = deque()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_loss_noted = False

    def __call__(self, line: str) -> None:
        """Have a line written, soon."""
        if self._thread is None:
            self._closing.clear()
            self._thread = threading.Thread(target=self._work, daemon=True, name="lines")
            self._thread.start()
        if len(self._waiting) >= MAX_WAITING:
            self._note_loss("nobody reads them")
            return
        self._waiting.append(line)
        if not self._wake.is_set():
            self._wake.set()

    def close(self) -> None:
        """Have what waits written, unless it takes too long."""
        if self._thread is not None:
            self._closing.set()
            self._wake.set()
            self._thread.join(CLOSE_SECONDS)
            self._thread = None

    def _work(self) -> None:
        ended = False
        while not ended:
            self._wake.wait()
            ended = self._closing.wait(GATHER_SECONDS)
            self._wake.clear()  # before the lines are taken, so that a later one sets it again
            lines = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if lines:
                try:
                    self._write("\n".join(lines) + "\n")
                except (OSError, ValueError) as error:  # ValueError: the stream was closed
                    self._note_loss(str(error))

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

    def _note_loss(self, reason: str) -> None:
        if not self._is_loss_noted:
            self._is_loss_noted = True
            with contextlib.suppress(OSError, ValueError):
                sys.stderr.write(f"mockserver: log lines are lost: {reason}\n")
