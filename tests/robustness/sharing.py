"""Races of many clients for one thing over several servers with one store, and a store that stops under load.

`python -m tests.robustness.sharing [SERVERS] [REQUESTS]` (4 and 10,000) starts them and a `redis-server` on free ports,
and prints what was wrong and how long each race took; exit status 1 if anything was.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Coroutine
from contextlib import ExitStack

from tests.support import serving, sharing
from tests.support.stores import RedisServer


async def told(name: str, race: Coroutine[None, None, list[str]]) -> bool:
    """Run one race, and print how it ended; whether all was as it must be."""
    began = time.monotonic()
    wrong = await race
    print(f"{name}: {'as it must be' if not wrong else f'{len(wrong)} wrong'}, {time.monotonic() - began:.0f} s")
    print(*(f"WRONG {text[:2_000]}" for text in wrong[:10]), sep="\n", end="\n" if wrong else "")
    return not wrong


async def main(servers: int = 4, requests: int = 10_000) -> int:
    """Run them; the exit status."""
    store = RedisServer()
    with ExitStack() as stack:
        stack.callback(store.close)
        options = ("--store", store.url(), "--log-format", "none")
        urls = [stack.enter_context(serving(*options)).url for _ in range(servers)]
        print(f"{servers} servers, {requests:,} requests")
        races = {
            "one card": sharing.race_for_one_card(urls, requests),
            "8 x 64 outcomes armed at once": sharing.arm_at_once(urls, 8, 64),
            "answers in turn": sharing.answer_in_turn(urls, requests // 8),
            "new ids": sharing.draw_ids(urls, requests // 4),
            "the store stops for 5 s": sharing.stop_store(urls, store, requests // 4, 5),
            "the store stops for 1 s": sharing.stop_store(urls, store, requests // 4, 1, "short"),
            "the store restarts": sharing.stop_store(urls, store, requests // 4, 1, "restart", restarts=True),
        }
        results = [await told(name, race) for name, race in races.items()]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*map(int, sys.argv[1:3]))))
