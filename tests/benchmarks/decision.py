"""Microseconds of one request in process, part by part: `python tests/benchmarks/decision.py`."""

import statistics
import time
from collections.abc import Callable

from mockserver import Engine, Request, load
from mockserver.core.model import Tick
from mockserver.decision.decide import decide, gather
from mockserver.decision.document import read_document
from mockserver.decision.order import in_order
from mockserver.decision.rendering import reply_to

CONTRACT = load()
OPERATION = CONTRACT.operations[0]
ORDER = in_order(OPERATION.scenarios, OPERATION.lookups)
BODY = b'{"customer_id":"12345678","card_identifier":"CARD-001","reference_batch":"7e4b85e27c4610824900af48f340394d"}'
HEADERS = {"content-type": "application/json", "authorization-ecommerce": "x"}
REQUEST = Request("POST", OPERATION.path, BODY, HEADERS)


def micros(call: Callable[[], object], rounds: int = 7, times: int = 3_000) -> str:
    """Median (least to most) of several rounds."""
    figures = []
    for _ in range(rounds):
        started = time.perf_counter()
        for _ in range(times):
            call()
        figures.append((time.perf_counter() - started) / times * 1e6)
    return f"{statistics.median(figures):7.1f} ({min(figures):.1f}-{max(figures):.1f})"


def main() -> None:
    engine = Engine(CONTRACT)
    store = engine.store
    settings = CONTRACT.settings
    document = read_document(OPERATION, REQUEST, {}, settings)
    new = {"customer_id": "1", "card_id": "card_1"}

    def looked_up() -> dict[str, object]:
        return gather(OPERATION, REQUEST, {}, document, settings, Tick(0), store.finder(""), new)

    facts = looked_up()
    decision = decide(OPERATION, document, dict(facts), order=ORDER)
    print("read and validate  ", micros(lambda: read_document(OPERATION, REQUEST, {}, settings)))
    print("look up records    ", micros(looked_up))
    print("decide             ", micros(lambda: decide(OPERATION, document, dict(facts), order=ORDER)))
    print("render the reply   ", micros(lambda: reply_to(decision, CONTRACT, mock_headers=True, entry=1)))
    print("whole, in process  ", micros(lambda: Engine.explain(engine, REQUEST), times=500), "(explain)")

    def handled() -> object:
        run_now(engine.storage.reset(""))
        return engine.handle_sync(REQUEST)

    print("whole, in process  ", micros(handled), "(handle, on a fresh state)")


if __name__ == "__main__":
    main()
