"""What tests share; the names that most tests import stand here."""

from tests.support.engines import explain, journal, reset
from tests.support.processes import (
    MOCKSERVER,
    PATIENCE,
    Client,
    Lines,
    Serving,
    alone,
    another_user,
    environment,
    free_port,
    run,
    run_process,
    serving,
    spawned,
    until,
    wait_until,
)
from tests.support.samples import BATCH, LASTING, ONCE, PATH, PING, folder, problem
from tests.support.sockets import answer, head, raw

__all__ = [
    "BATCH",
    "LASTING",
    "MOCKSERVER",
    "ONCE",
    "PATH",
    "PATIENCE",
    "PING",
    "Client",
    "Lines",
    "Serving",
    "alone",
    "another_user",
    "answer",
    "environment",
    "explain",
    "folder",
    "free_port",
    "head",
    "journal",
    "problem",
    "raw",
    "reset",
    "run",
    "run_process",
    "serving",
    "spawned",
    "until",
    "wait_until",
]
