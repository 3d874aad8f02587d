"""The job written by hand on aiohttp, nothing around it: `minimum.py PORT RULES`.

It reads, parses, compares with each rule in turn, and dumps: no schema, no state, no journal, no log. It answers every
request with a success, one with violations too: it is what the mock is measured by, not a peer.
"""

import asyncio
import sys

import orjson
from aiohttp import web
from job import PATH, success

RULES = [(f"R-{number}", f"card_{number}") for number in range(int(sys.argv[2]))]


async def handle(request: web.Request) -> web.Response:
    body = orjson.loads(await request.read())
    customer, found = body.get("customer_id"), "card_987654321"
    for wanted, card in RULES:
        if customer == wanted:
            found = card
            break
    return web.Response(body=orjson.dumps(success(customer, found)), content_type="application/json")


async def serve() -> None:
    app = web.Application()
    app.router.add_post(PATH, handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(sys.argv[1])).start()
    await asyncio.Event().wait()


asyncio.run(serve())
