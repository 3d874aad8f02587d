"""Log lines, written to a stream by a thread of their own, so that logging never blocks.

A closed pipe, a pipe that nobody reads and a full disk lose lines and nothing else.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
from collections import deque
from typing import Final, TextIO

MAX_QUEUED_LINES: Final = 10_000
"""Lines that are queued at most; more are lost."""

COLLECT_SECONDS: Final = 0.02
"""Seconds for which lines are collected before they are written: waking a thread takes longer than a reply."""

CLOSE_TIMEOUT_SECONDS: Final = 2.0
"""How long `close` waits for the last lines to be written."""


class LineWriter:
    """Writes lines. The first line that is lost is reported on standard error."""

    def __init__(self, stream: TextIO) -> None:
        """Write to `stream`; the thread starts with the first line and does not keep the process alive."""
        self._stream = stream
        self._queue: deque[str] = deque()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_loss_reported = False

    def __call__(self, line: str) -> None:
        """Queue a line."""
        if self._thread is None:
            self._closing.clear()
            self._thread = threading.Thread(target=self._run, daemon=True, name="lines")
            self._thread.start()
        if len(self._queue) >= MAX_QUEUED_LINES:
            self._report_loss("nobody reads them")
            return
        self._queue.append(line)
        if not self._wake.is_set():
            self._wake.set()

    def close(self) -> None:
        """Write what is queued, unless it takes too long."""
        if self._thread is not None:
            self._closing.set()
            self._wake.set()
            self._thread.join(CLOSE_TIMEOUT_SECONDS)
            self._thread = None

    def _run(self) -> None:
        ended = False
        while not ended:
            self._wake.wait()
            ended = self._closing.wait(COLLECT_SECONDS)
            self._wake.clear()  # before the lines are taken: a later line sets it again
            lines = [self._queue.popleft() for _ in range(len(self._queue))]
            if lines:
                try:
                    self._write("\n".join(lines) + "\n")
                except (OSError, ValueError) as error:  # ValueError: the stream was closed
                    self._report_loss(str(error))

    def _write(self, text: str) -> None:
        try:
            number = self._stream.fileno()
        except io.UnsupportedOperation:
            self._stream.write(text)
            self._stream.flush()
            return
        # Not through the stream's buffer: a thread that is blocked in it would hold its lock when the process ends.
        data = text.encode(self._stream.encoding or "utf-8", "backslashreplace")
        while data:
            data = data[os.write(number, data) :]

    def _report_loss(self, reason: str) -> None:
        if not self._is_loss_reported:
            self._is_loss_reported = True
            with contextlib.suppress(OSError, ValueError):
                sys.stderr.write(f"mockserver: log lines are lost: {reason}\n")
