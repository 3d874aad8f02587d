"""Requests a second in process with the journal on and off, interleaved: `python tests/benchmarks/journal_cost.py`."""

import statistics
import time
from dataclasses import replace

from mockserver import Engine, Request, load

CONTRACT = load()
BODY = b'{"customer_id":"TEST-CUSTOMER","card_identifier":"TEST-CARD","reference_batch":"7e4b85e27c4610824900af48f340394d"}'
HEADERS = {
    "host": "127.0.0.1:8080",
    "accept": "*/*",
    "user-agent": "python-requests/2.32",
    "content-type": "application/json",
    "content-length": str(len(BODY)),
    "authorization-ecommerce": "Bearer abcdef0123456789",
}
REQUEST = Request("POST", CONTRACT.operations[0].path, BODY, HEADERS)
ROUNDS, TIMES = 41, 1_000


def spent(engine: Engine) -> float:
    """Seconds of processor time for a round of requests that succeed."""
    started = time.process_time()
    for _ in range(TIMES):
        engine.handle_sync(REQUEST)
    return time.process_time() - started


def main() -> None:
    engines = [Engine(CONTRACT, settings=replace(CONTRACT.settings, journal_entries=n)) for n in (10_000, 0)]
    assert engines[0].handle_sync(REQUEST).status == 200
    rounds = [[spent(engine) for engine in engines] for _ in range(ROUNDS)]
    for name, figures in zip(("on", "off"), zip(*rounds, strict=True), strict=True):
        micros = [figure / TIMES * 1e6 for figure in figures]
        print(f"journal {name:3}: {statistics.median(micros):6.1f} us a request ({min(micros):.1f}-{max(micros):.1f})")
    shares = [off / on for on, off in rounds]
    print(f"on is {statistics.median(shares):.1%} of off (rounds {min(shares):.1%} to {max(shares):.1%})")


if __name__ == "__main__":
    main()
