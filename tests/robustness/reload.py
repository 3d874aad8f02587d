"""Good and bad files in turn while clients ask all the time: no request fails, none sees half a contract.

`python -m tests.robustness.reload [RELOADS] [MORE_SCENARIOS]` (1000 and 0) starts the command on a free port, has files
loaded by `POST /__admin/reload` beside `--watch`, and prints figures; exit status 1 if an answer was not whole.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from mockserver import load
from tests.support import folder, serving
from tests.support.contract_versions import Seen, keep_asking, version

CLIENTS = 8
LONGEST = 300
"""Seconds that a reload may take; with many scenarios, and a machine that does other things, it is long."""
BAD = ("orders.yaml", "order.yaml", "order.schema.json")


def with_more(files: dict[str, str], count: int) -> dict[str, str]:
    """The files with so many scenarios that are tried first and never answer."""
    more = "".join(
        f"- scenario: more-{n}\n  documented: More\n  when: {{body.more: x{n}}}\n  respond: {{plain: more}}\n"
        for n in range(count)
    )
    return {name: text.replace("scenarios:\n", f"scenarios:\n{more}") for name, text in files.items()}


def reload(url: str) -> int:
    """Have the files loaded; the status."""
    asked = urllib.request.Request(f"{url}/__admin/reload", method="POST")
    try:
        with urllib.request.urlopen(asked, timeout=LONGEST) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def used(process: int) -> str:
    """Memory and open files of a process."""
    status = Path(f"/proc/{process}/status").read_text()
    memory = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    return f"{int(memory) // 1024} MiB, {len(list(Path(f'/proc/{process}/fd').iterdir()))} open files"


async def main(at: Path, reloads: int = 1_000, more: int = 0) -> int:
    """Run it; the exit status."""
    sets = {letter: with_more(version(letter), more) for letter in "ab"}
    letters = {load(folder(at / f"as-{letter}", files)).hash: letter for letter, files in sets.items()}
    seen, stop, statuses, took = Seen(), asyncio.Event(), {200: 0, 409: 0}, []
    with serving("--contract", str(folder(at / "served", sets["a"])), "--watch", "--log-format", "none") as server:
        clients = [asyncio.create_task(keep_asking(server.url, f"c{n}", letters, seen, stop)) for n in range(CLIENTS)]
        began = time.monotonic()
        for number in range(reloads):
            if number % max(reloads // 4, 1) == 0:
                print(f"after {number} reloads: {used(server.process.pid)}")
            bad = number % 3 == 2
            files = version("c", bad=BAD[number // 3 % 3]) if bad else sets["ba"[number % 3]]
            await asyncio.to_thread(folder, at / "served", files)
            started = time.monotonic()
            status = await asyncio.to_thread(reload, server.url)
            took.append(time.monotonic() - started)
            statuses[status] += 1
            if status != (409 if bad else 200):
                seen.wrong.append(f"reload {number} was answered with {status}")
        stop.set()
        failed = [one for one in await asyncio.gather(*clients, return_exceptions=True) if one is not None]
        spent = time.monotonic() - began
        print(f"after {reloads} reloads: {used(server.process.pid)}")
    slow = statistics.quantiles(seen.seconds, n=1000)
    figures = {
        "reloads": statuses,
        "seconds": round(spent),
        "answers": dict(seen.answers),
        "not whole": len(seen.wrong),
        "connections lost": len(failed),
        "ms an answer": {f"p{p}": round(slow[p * 10 - 1] * 1000, 1) for p in (50, 90, 99)}
        | {"most": round(max(seen.seconds) * 1000, 1)},
        "ms a reload": {"median": round(statistics.median(took) * 1000), "most": round(max(took) * 1000)},
    }
    print(json.dumps(figures, indent=2), *seen.wrong[:3], *map(repr, failed[:3]), sep="\n")
    return 1 if seen.wrong or failed else 0


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        sys.exit(asyncio.run(main(Path(place), *map(int, sys.argv[1:3]))))
