"""Resident memory while requests come: `python tests/benchmarks/journal_memory.py [REQUESTS]` (1,000,000)."""

import os
import sys
from pathlib import Path

from mockserver import Engine, Request, load

CONTRACT = load()
PAGE = os.sysconf("SC_PAGE_SIZE")


def resident() -> float:
    """MiB, as the kernel of Linux counts them."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 2**20


def body(number: int) -> bytes:
    """Requests that succeed, of which a few are malformed."""
    pin = f',"pin":"12a{number % 10}"' if number % 10 == 0 else ""
    return (
        f'{{"customer_id":"TEST-CUSTOMER","card_identifier":"TEST-CARD",'
        f'"reference_batch":"{number:032x}"{pin},"note":"{"x" * (number % 500)}"}}'
    ).encode()


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    engine = Engine(CONTRACT)
    headers = {"content-type": "application/json", "authorization-ecommerce": "Bearer abcdef0123456789"}
    path = CONTRACT.operations[0].path
    print(f"{0:>9} requests: {resident():7.1f} MiB")
    for number in range(1, count + 1):
        engine.handle_sync(Request("POST", path, body(number), headers))
        if number % (count // 10) == 0:
            journal = engine.journal
            print(
                f"{number:>9} requests: {resident():7.1f} MiB, {len(journal)} entries reckoned {journal.size / 2**20:.1f} MiB",
                flush=True,
            )


if __name__ == "__main__":
    main()
