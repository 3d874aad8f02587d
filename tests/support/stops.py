"""A server that is stopped or killed while clients ask: for tests/robustness/stopping.py and its share in the tests."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

from tests.support import LASTING, MOCKSERVER, PATH, PATIENCE, Serving, free_port, head, spawned, until

BODY = json.dumps(LASTING).encode()


@dataclass
class Told:
    """What clients were answered, by entry of the journal, and how else their requests ended."""

    whole: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)


async def keep_asking(url: str, rng: Random, told: Told) -> None:
    """Ask until nobody answers any more: some on a connection that lasts, some with slow bodies, some with a delay."""
    split = urlsplit(url)
    while True:
        try:
            reader, writer = await asyncio.open_connection(split.hostname, split.port)
        except OSError:
            return
        try:
            for _ in range(rng.randint(1, 50)):
                delay = ["Mock-Delay: 300ms"] if rng.random() < 0.1 else []
                writer.write(head("POST", PATH, *delay, length=len(BODY)))
                if rng.random() < 0.2:
                    writer.write(BODY[:50])
                    await asyncio.sleep(rng.random() / 50)
                    writer.write(BODY[50:])
                else:
                    writer.write(BODY)
                top = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
                headers = dict(line.lower().split(b": ", 1) for line in top.split(b"\r\n")[1:] if line)
                try:
                    await reader.readexactly(int(headers[b"content-length"]))
                except (asyncio.IncompleteReadError, ConnectionError):
                    told.ended["cut short"] += 1
                    break
                told.whole[headers[b"mock-entry"].decode()] += 1
                if headers.get(b"connection") == b"close":
                    break
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            part = getattr(error, "partial", b"")
            told.ended["cut short" if part else "not taken up"] += 1
        finally:
            writer.close()


@dataclass
class Stopped:
    """One stop: the requests that the server took up, how many of them got no answer, and what else there is to say."""

    taken: int
    lost: int
    cut: int
    untaken: int
    seconds: float
    status: int
    said: list[str]


async def stopped_under_load(seed: int, clients: int, seconds: float) -> Stopped:
    """SIGTERM while clients ask; the log has a line for each request that was taken up."""
    told = Told()
    with spawned(MOCKSERVER, "--port", "0", "--log-format", "json") as serve:
        serve.started()
        asking = [asyncio.ensure_future(keep_asking(serve.url, Random(f"{seed} {n}"), told)) for n in range(clients)]
        await _answered(told, seconds)
        began = time.monotonic()
        serve.process.send_signal(signal.SIGTERM)
        status = await asyncio.to_thread(serve.process.wait, PATIENCE)
        took = time.monotonic() - began
        await asyncio.gather(*asking)
        lines, said = serve.out.rest(), serve.err.rest()
    taken = {json.loads(line)["entry"] for line in lines if '"entry"' in line}
    return Stopped(
        len(taken),
        len(taken - told.whole.keys()),
        told.ended["cut short"],
        told.ended["not taken up"],
        took,
        status,
        [*said, *(f"entry {n} was answered {count} times" for n, count in told.whole.items() if count > 1)],
    )


async def _answered(told: Told, seconds: float) -> None:
    """Wait for so long, and until some request was answered."""
    await asyncio.sleep(seconds)
    await until(lambda: told.whole)


async def answers(serve: Serving) -> float:
    """Ask until it answers; when that was."""
    while True:
        try:
            status, _, _ = await asyncio.to_thread(serve.post, LASTING)
        except OSError:
            assert serve.process.poll() is None, serve.err.rest()
            await asyncio.sleep(0.005)
        else:
            assert status == 200
            return time.monotonic()


def spent(process: int) -> float:
    """The processor time of a process in seconds."""
    ticks = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


async def killed_and_restarted(seed: int, clients: int, seconds: float) -> tuple[float, float]:
    """SIGKILL while clients ask, and a start on the same port: seconds to its first answer, by clock and processor."""
    told, port = Told(), str(free_port())
    with spawned(MOCKSERVER, "--port", port, "--log-format", "none") as serve:
        serve.started()
        asking = [asyncio.ensure_future(keep_asking(serve.url, Random(f"{seed} {n}"), told)) for n in range(clients)]
        await _answered(told, seconds)
        serve.process.kill()
        assert await asyncio.to_thread(serve.process.wait, PATIENCE) == -signal.SIGKILL
        await asyncio.gather(*asking)
    began = time.monotonic()
    with spawned(MOCKSERVER, "--port", port, "--log-format", "none") as serve:
        serve.url = f"http://127.0.0.1:{port}"
        took = await answers(serve) - began
        return took, spent(serve.process.pid)
