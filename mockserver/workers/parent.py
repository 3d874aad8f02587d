"""The parent of the workers: it starts them, replaces one that ends, and has them finish their requests at its end.

Workers are forked once everything is loaded: all of them, and those that replace them, have the same contract. The
parent has no thread and no event loop, which a fork would break.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final, NoReturn

from mockserver.server.server import Ports, Server, port_of
from mockserver.workers.process import prepare_process, run_worker

SIGNALS: Final = () if sys.platform == "win32" else (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)
"""What the parent waits for: its end, and the end of a worker. Windows has no workers."""

STEADY_SECONDS: Final = 10.0
"""A worker that ran for so long is replaced at once; the pause after one that did not doubles each time."""

FIRST_PAUSE_SECONDS: Final = 0.1
MAX_PAUSE_SECONDS: Final = 3.0

WAIT_SECONDS: Final = 60.0
"""How long to wait for a signal at once, where nothing is due."""


def open_worker_ports(server: Server, host: str, port: int, admin_port: int | None, workers: int) -> list[Ports]:
    """Sockets for each worker, all on one port, among which the system spreads connections. Raises `OSError`."""
    alone = server.open_ports(host, port, admin_port)  # fails if others listen there, even workers of another parent
    port, admin_port = port_of(alone.sockets), port_of(alone.admin_sockets) if alone.admin_sockets else None
    alone.close()
    return [server.open_ports(host, port, admin_port, reuse_port=True) for _ in range(workers)]


def run_workers(
    server: Server,
    ports: Sequence[Ports],
    on_started: Callable[[Ports], None],
    on_forked: Callable[[int], None],
    report_line: Callable[[str], None],
) -> None:
    """Serve in as many processes as there are ports, until SIGTERM or SIGINT; all requests in flight are finished.

    `on_started` is called once, before the first worker is started, and must leave no thread; `on_forked` is called
    in each worker with its number, from 0. A second signal ends everything at once.
    """
    prepare_process()
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    on_started(ports[0])

    def serve(number: int, own: Ports, parent: int) -> None:
        on_forked(number)
        run_worker(server, own, parent, SIGNALS)

    _Parent([Worker(number, own) for number, own in enumerate(ports)], serve, report_line).run()


class Worker:
    """A place for a worker: its sockets stay open when the process ends, and connections wait for the next one."""

    def __init__(self, number: int, ports: Ports) -> None:
        self.number = number
        self.ports = ports
        self.process = 0
        """Its id; 0 if there is none."""
        self.started = 0.0
        self.start_at = 0.0
        self.pause = 0.0

    def plan_next(self, now: float) -> None:
        """Decide when the next process starts after one that has ended now."""
        is_steady = now - self.started >= STEADY_SECONDS
        self.pause = 0.0 if is_steady else min(max(2 * self.pause, FIRST_PAUSE_SECONDS), MAX_PAUSE_SECONDS)
        self.start_at = now + self.pause
        self.process = 0


class _Parent:
    def __init__(
        self,
        workers: Sequence[Worker],
        serve: Callable[[int, Ports, int], None],
        report_line: Callable[[str], None],
    ) -> None:
        self._workers = workers
        self._serve = serve
        self._report_line = report_line
        self._is_stopping = False
        # Nothing is written: the workers' end is readable when this process has closed its own, or is gone.
        self._worker_end, self._own_end = os.pipe()

    def run(self) -> None:
        """Run until the last worker has ended."""
        while not self._is_stopping or any(one.process for one in self._workers):
            if not self._is_stopping:
                self._start_due()
            received = signal.sigtimedwait(SIGNALS, self._seconds_to_wait())
            if received is not None and received.si_signo != signal.SIGCHLD:
                if self._is_stopping:
                    self._end_at_once(received.si_signo)
                self._stop()
            self._note_ended()

    def _seconds_to_wait(self) -> float:
        due = [one.start_at for one in self._workers if not one.process and not self._is_stopping]
        return max(0.0, min(due) - time.monotonic()) if due else WAIT_SECONDS

    def _start_due(self) -> None:
        for worker in self._workers:
            if not worker.process and worker.start_at <= time.monotonic():
                worker.started = time.monotonic()
                worker.process = os.fork() or self._be(worker)

    def _be(self, worker: Worker) -> NoReturn:
        """Serve as this worker, and end."""
        os.close(self._own_end)
        for other in self._workers:
            if other is not worker:
                other.ports.close()
        self._serve(worker.number, worker.ports, self._worker_end)
        sys.exit(0)

    def _stop(self) -> None:
        """Listen no more, and have the workers finish their requests."""
        self._is_stopping = True
        for worker in self._workers:
            worker.ports.close()
        os.close(self._own_end)

    def _end_at_once(self, number: int) -> NoReturn:
        for worker in self._workers:
            if worker.process:
                os.kill(worker.process, signal.SIGKILL)
        signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        os.kill(os.getpid(), number)
        sys.exit(128 + number)  # as process 1 of a container, which no signal ends

    def _note_ended(self) -> None:
        """Take note of the workers that have ended."""
        while (ended := _ended_process()) is not None:
            process, status = ended
            for worker in self._workers:
                if worker.process == process:
                    worker.plan_next(time.monotonic())
                    if not self._is_stopping:
                        self._report_line(_end_of(worker, process, os.waitstatus_to_exitcode(status)))


def _ended_process() -> tuple[int, int] | None:
    """The id and the status of a child that has ended, if any has."""
    try:
        process, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return (process, status) if process else None


def _end_of(worker: Worker, process: int, status: int) -> str:
    how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
    when = f" in {worker.pause:g} s" if worker.pause else ""
    return f"worker {worker.number + 1} (process {process}) {how}; another one starts{when}"
