"""A long load of mixed requests, faults among them, over many sandboxes: no answer differs from the one decided.

`python -m tests.robustness.load [REQUESTS] [SANDBOXES] [SEED] [SERVERS]` (10,000,000, 50, 1 and 1) starts the command
on a free port, prints figures and the server's memory as it goes; exit status 1 if an answer differs. Several servers
share a `redis-server`, and each connection goes to the next one. Ctrl-C ends it early, with the figures of what was
answered by then.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from functools import partial

from tests.support import serving
from tests.support.mixed_load import INSTANT, Run
from tests.support.stores import redis_server


def main(requests: int = 10_000_000, sandboxes: int = 50, seed: int = 1, servers: int = 1) -> int:
    """Run it; the exit status."""
    options = ["--clock", INSTANT, "--log-format", "none", "--max-sandboxes", str(sandboxes)]
    if servers > 1:
        options += ["--store", redis_server().url()]
    with contextlib.ExitStack() as stack:
        started_servers = [stack.enter_context(serving(*options)) for _ in range(servers)]
        urls = [server.url for server in started_servers]
        run = Run(urls, started_servers[0].process.pid, requests, sandboxes, seed)
        started, whole = time.monotonic(), False
        with contextlib.suppress(KeyboardInterrupt):
            run.go(partial(print, file=sys.stderr, flush=True))
            whole = True
        seconds = time.monotonic() - started
    figures = {
        "answers": sum(run.met.values()),
        "seconds": round(seconds),
        "answers a second": round(sum(run.met.values()) / seconds),
        "differences": len(run.differences),
        "MiB": {
            "first": round(run.memory[0]),
            "after a tenth": round(run.memory[:3][-1]),
            "last": round(run.memory[-1]),
        },
        "met": dict(run.met.most_common()),
    }
    print(json.dumps(figures, indent=2), *run.differences[:3], sep="\n")
    return 1 if run.differences or (whole and sum(run.met.values()) != requests) else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
