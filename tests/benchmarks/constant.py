"""The limit of aiohttp: a handler that returns constant bytes, `constant.py PORT`; with `read` it reads the body."""

import asyncio
import sys

from aiohttp import web

PATH = "/debit/v1/activateCardForCustomer"
BODY = (
    b'{"text":"Success","timestamp":"2024-11-15T14:32:18.123Z","endpoint":"debit/v1/activateCardForCustomer",'
    b'"error":{},"payload":{"card_id":"card_987654321","customer_id":"12345678","status":"activated"}}'
)
READS = "read" in sys.argv


async def handle(request: web.Request) -> web.Response:
    if READS:
        await request.read()
    return web.Response(body=BODY, content_type="application/json")


async def serve() -> None:
    app = web.Application()
    app.router.add_post(PATH, handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(sys.argv[1])).start()
    await asyncio.Event().wait()


asyncio.run(serve())
