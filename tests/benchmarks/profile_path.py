"""Where the processor time of a success request goes, by package: `python tests/benchmarks/profile_path.py [SECONDS]`.

At each tick of its processor time the server notes the package of the running line; time in C or in the standard library,
but for asyncio, counts for the caller. Ticks cost next to nothing; a tracing profiler makes small functions look large.
"""

from __future__ import annotations

import json
import re
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path
from types import FrameType

from measuring import Traffic, arguments, conditions, free_port, running
from results import table

from mockserver.cli.main import main as mock

PACKAGE = re.compile(r"/(mockserver/\w+|asyncio)(?:/|\.py)|/site-packages/(\w+)")


def serve(port: str, file: str) -> None:
    """Run the mock, count ticks after SIGUSR1, and write the counts when it is told to stop."""
    ticks: Counter[str] = Counter()

    def count(_: int, frame: FrameType | None) -> None:
        while frame is not None and not (found := PACKAGE.search(frame.f_code.co_filename)):
            frame = frame.f_back
        ticks[(found[1] or found[2]) if frame is not None and found else "other"] += 1

    signal.signal(signal.SIGPROF, count)
    signal.signal(signal.SIGUSR1, lambda *_: signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001))
    sys.argv = ["mockserver", "--port", port]
    try:
        mock()
    finally:
        Path(file).write_text(json.dumps(ticks))


def main(python: str, seconds: int) -> None:
    port = free_port()
    with tempfile.NamedTemporaryFile() as file:
        with running([python, __file__, "serve", str(port), file.name], port) as server:
            server.load(Traffic(), 1)
            server.popen.send_signal(signal.SIGUSR1)
            load = server.load(Traffic(), seconds)
            server.popen.terminate()
            server.popen.wait(30)
        ticks = Counter(json.loads(Path(file.name).read_text()))
    rows = {name: [f"{number / ticks.total() * load.cpu:.1f}"] for name, number in ticks.most_common()}
    print(conditions(python, f"{ticks.total()} ticks, {load.cpu:.1f} us/request"), "\n")
    print(table(("package", "us/request"), rows))


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(*sys.argv[2:])
    else:
        main(**vars(arguments(__doc__, "seconds", 10).parse_args()))
