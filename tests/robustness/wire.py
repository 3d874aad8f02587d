"""What no good client sends, at length: the next request answers, and no descriptor, task or memory stays.

`python -m tests.robustness.wire [SCALE] [SEED] [IDLE] [SLOW]` (10, 1, 2000 and 500) starts the command on a free port
and prints a table; with SCALE 10 it connects and disconnects 10,000 times. Descriptors and memory are counted from
outside, tasks with the server in this process. Then IDLE connections say nothing and SLOW ones send a byte a second,
while the time of other requests is taken, with and without them in turn. Exit status 1 if anything was not as it must
be.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

from mockserver import Engine, load
from mockserver.server.server import serving as served
from tests.support import folder, serving
from tests.support.bad_clients import TRIES, idle_connection, is_well, opened, request, statuses

LIMIT = 10.0
"""The setting request_timeout of the server that is tried."""

ROUNDS = 6
PHASE = 5.0
"""How often, and for how many seconds, the time of requests is taken, with the crowd and without."""

OTHERS, PACE = 5, 0.05
"""The clients that are served meanwhile: how many, and the seconds from one request of each to its next."""

WAIT = 30
KEPT_MIB = 32
"""What the second time may take more than the first: it depends on how many connections are there at once."""


class Outside:
    """A process, counted from outside."""

    def __init__(self, process: int) -> None:
        self._at = Path(f"/proc/{process}")

    def descriptors(self) -> int:
        """Files and sockets that are open."""
        return sum(1 for _ in (self._at / "fd").iterdir())

    def mib(self) -> float:
        """Resident memory."""
        return int((self._at / "statm").read_text().split()[1]) * resource.getpagesize() / 2**20


async def back(count: Callable[[], int], to: int) -> int:
    """Wait until a count is back; what it is then."""
    end = time.monotonic() + WAIT
    while count() > to and time.monotonic() < end:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.05)
    return count()


async def tries(url: str, process: int, scale: int, seed: int) -> list[str]:
    """All tries, twice, on the process; what is wrong."""
    outside, wrong = Outside(process), []
    await is_well(url)
    first: dict[str, float] = {}
    print(f"{'what':24} {'seconds':>8} {'descriptors':>12} {'MiB':>12}  what was done")
    for again in (False, True):
        for one in TRIES:
            name, files, mib, began = one.__name__, outside.descriptors(), outside.mib(), time.monotonic()
            try:
                told = await one(url, Random(f"{seed} {name}"), scale)
                await is_well(url)
            except Exception as error:  # noqa: BLE001 - whatever it is, the others are tried
                told = f"{type(error).__name__}: {error}"
                wrong.append(f"{name}: {told}")
            left, now = await back(outside.descriptors, files), outside.mib()
            line = f"{name:24} {time.monotonic() - began:8.1f} {files:5} → {left:4} {mib:5.1f} → {now:4.1f}  {told}"
            if left > files:
                wrong.append(f"{name}: {left - files} descriptors stayed")
            if again:
                print(line)
            else:
                first[name] = now
        if again and outside.mib() > max(first.values()) + KEPT_MIB:
            wrong.append(f"{outside.mib() - max(first.values()):.1f} MiB more the second time")
    print(f"memory: at most {max(first.values()):.1f} MiB the first time, {outside.mib():.1f} at the end of the second")
    return wrong


async def tasks(seed: int) -> list[str]:
    """All tries with the server in this process: the tasks that stay."""
    contract, wrong = load(), []
    logging.getLogger("mockserver.server").setLevel(logging.CRITICAL)
    async with served(Engine(contract, settings=replace(contract.settings, request_timeout=0.5))) as url:
        before = asyncio.all_tasks()
        for one in TRIES:
            await one(url, Random(f"{seed} {one.__name__}"), 1)
        if left := await back(lambda: len(asyncio.all_tasks() - before), 0):
            wrong.append(f"{left} tasks stayed")
        print(f"tasks beyond those before, after all of it in this process: {left}")
    return wrong


# -- the crowd ----------------------------------------------------------------------------------------


async def crowd(url: str, idle: int, slow: int) -> None:
    """In a process of its own: be there until standard input ends, then print what became of the connections."""
    quiet = [await idle_connection(url) for _ in range(idle)]
    took: list[float] = []
    strange: list[str] = []
    writers: dict[int, asyncio.StreamWriter] = {}

    async def come_again(number: int) -> None:
        await asyncio.sleep(number / slow * LIMIT)  # they are not cut all at once
        top = b"POST / HTTP/1.1\r\nHost: x\r\nX: " if number % 2 else request()[:-100]  # a head, or a body
        while True:
            reader, writer = await opened(url)
            began = time.monotonic()
            writer.write(top)
            writers[number] = writer
            came = await reader.read()
            if statuses(came) == [408]:
                took.append(time.monotonic() - began)
            else:
                strange.append(repr(came[:200]))
            writer.close()

    async def drip() -> None:
        for number in itertools.cycle(range(slow)):
            if number in writers:
                writers[number].write(b" ")
            if number % 10 == 0:
                await asyncio.sleep(10 / slow)

    slowly = [asyncio.ensure_future(one) for one in (drip(), *map(come_again, range(slow)))]
    await asyncio.sleep(LIMIT)
    print("here", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for one in slowly:
        one.cancel()
    failed = [e for e in await asyncio.gather(*slowly, return_exceptions=True) if isinstance(e, Exception)]
    gone = sum(reader.at_eof() for reader, _ in quiet)
    print(json.dumps({"took": took, "gone": gone, "strange": strange[:3] + [repr(e) for e in failed[:3]]}))


@asynccontextmanager
async def crowded(url: str, idle: int, slow: int, found: list[dict[str, list[float]]]) -> AsyncIterator[None]:
    """With the crowd there."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.robustness.wire", "crowd", url, str(idle), str(slow)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**24,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"here\n"
    try:
        yield
    finally:
        out, _ = await process.communicate(b"")
        found.append(json.loads(out))


async def timed(url: str) -> list[float]:
    """The seconds that the requests of the others took."""
    took: list[float] = []
    end = time.monotonic() + PHASE

    async def ask(number: int) -> None:
        reader, writer = await opened(url)
        await asyncio.sleep(number * PACE / OTHERS)
        while time.monotonic() < end:
            began = time.perf_counter()
            writer.write(request())
            top = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(top.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]))
            took.append(time.perf_counter() - began)
            assert top.startswith(b"HTTP/1.1 200 ")
            await asyncio.sleep(PACE)
        writer.close()

    await asyncio.gather(*(ask(number) for number in range(OTHERS)))
    return took


async def meanwhile(url: str, process: int, idle: int, slow: int) -> list[str]:
    """Take the time of requests with the crowd and without, in turn."""
    outside, wrong = Outside(process), []
    files, mib = outside.descriptors(), outside.mib()
    phases: dict[bool, list[list[float]]] = {True: [], False: []}
    found: list[dict[str, list[float]]] = []
    for _ in range(ROUNDS):
        phases[False].append(await timed(url))
        async with crowded(url, idle, slow, found):
            most = outside.descriptors()
            phases[True].append(await timed(url))
        if (left := await back(outside.descriptors, files)) > files:
            wrong.append(f"{left - files} descriptors of the crowd stayed")
    p99 = {which: [statistics.quantiles(took, n=100)[98] * 1000 for took in of] for which, of in phases.items()}
    middle = {which: [statistics.median(took) * 1000 for took in of] for which, of in phases.items()}
    for which, name in ((False, "without"), (True, "with")):
        shown = ", ".join(f"{ms:.2f}" for ms in p99[which])
        print(f"{name:8} the crowd: median {statistics.median(middle[which]):.2f} ms, p99 of each round {shown} ms")
    ratio = min(p99[True]) / min(p99[False])  # the rounds that were disturbed least by what else ran
    took = [seconds for one in found for seconds in one["took"]]
    print(
        f"{most} descriptors with {idle} idle and {slow} slow connections; p99 with them {ratio:.2f} times that without"
    )
    if took:
        print(f"slow connections cut with 408: {len(took)}, {min(took):.2f} to {max(took):.2f} s after their beginning")
    print(f"memory {mib:.1f} → {outside.mib():.1f} MiB")
    if ratio > 2:
        wrong.append(f"p99 is {ratio:.2f} times that without the crowd")
    if len(took) < slow or max(took) > LIMIT + 2:
        wrong.append(f"slow connections were not cut after {LIMIT} s: {len(took)}, {max(took, default=0):.1f} s")
    wrong += [f"{one['gone']} idle connections were cut" for one in found if one["gone"]]
    wrong += [f"of the crowd: {text}" for one in found for text in one["strange"]]
    return wrong


async def main(scale: int = 10, seed: int = 1, idle: int = 2_000, slow: int = 500) -> int:
    """Run it; the exit status."""
    with tempfile.TemporaryDirectory() as place, contextlib.ExitStack() as stack:
        limits = f"format: 1\nsettings: {{request_timeout: {LIMIT}, journal_entries: 100}}\n"
        files = folder(Path(place), {"limits.yaml": limits})
        server = stack.enter_context(serving("--overlay", str(files), "--log-format", "none"))
        process = server.process.pid
        wrong = await tries(server.url, process, scale, seed) + await tasks(seed) if scale else []
        wrong += await meanwhile(server.url, process, idle, slow)
        if server.stop():
            wrong.append("it did not end with status 0")
        strange = [line for line in server.err.rest() if "refused a request with" not in line]
        wrong += [f"on standard error: {line}" for line in strange[:5]]
    print(*(f"WRONG {text}" for text in wrong), "as it must be" if not wrong else f"{len(wrong)} wrong", sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if sys.argv[1:2] == ["crowd"]:
        asyncio.run(crowd(sys.argv[2], *map(int, sys.argv[3:5])))
    else:
        sys.exit(asyncio.run(main(*map(int, sys.argv[1:5]))))
