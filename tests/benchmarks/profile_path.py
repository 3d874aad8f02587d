"""Where the processor time of a success request goes, by package: `python tests/benchmarks/profile_path.py [SECONDS]`.

The server notes the running package at each tick of processor time: a tracing profiler makes small functions look large.
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

PACKAGE = re.compile(r".*/(mockserver/\w+|asyncio|site-packages/\w+)")


def package_of(frame: FrameType | None) -> str:
    """The package of the innermost line; C and the standard library, but for asyncio, count for their caller."""
    while frame is not None and not (found := PACKAGE.match(frame.f_code.co_filename)):
        frame = frame.f_back
    return found[1].removeprefix("site-packages/") if frame is not None and found else "other"


def serve(port: str, file: str) -> None:
    ticks: Counter[str] = Counter()  # from SIGUSR1 on
    signal.signal(signal.SIGPROF, lambda _, frame: ticks.update([package_of(frame)]))
    signal.signal(signal.SIGUSR1, lambda *_: signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001))
    sys.argv = ["mockserver", "--port", port]
    try:
        mock()
    finally:
        Path(file).write_text(json.dumps(ticks))


def main(python: str, seconds: int) -> None:
    command = [python, __file__, "serve", str(port := free_port())]
    with tempfile.NamedTemporaryFile() as file, running([*command, file.name], port) as server:
        server.load(Traffic(), 1)
        server.popen.send_signal(signal.SIGUSR1)
        load = server.load(Traffic(), seconds)
        server.popen.terminate()
        server.popen.wait(30)
        ticks = Counter(json.load(file))
    rows = {name: [f"{number / ticks.total() * load.cpu:.1f}"] for name, number in ticks.most_common()}
    print(conditions(python, f"{ticks.total()} ticks, {load.cpu:.1f} us/request"), table(("", "us"), rows), sep="\n\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(*sys.argv[2:])
    else:
        main(**vars(arguments(__doc__, "seconds", 10).parse_args()))
