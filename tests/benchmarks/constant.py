"""The limit that the mock is measured against: an aiohttp handler that reads the body and returns constant bytes."""

import asyncio
import sys

from aiohttp import web

BODY = (
    b'{"text":"Success","timestamp":"2024-11-15T14:32:18.123Z","endpoint":"debit/v1/activateCardForCustomer",'
    b'"error":{},"payload":{"card_id":"card_987654321","customer_id":"12345678","status":"activated"}}'
)


async def handle(request: web.BaseRequest) -> web.StreamResponse:
    await request.read()
    return web.Response(body=BODY, content_type="application/json")


async def serve() -> None:
    runner = web.ServerRunner(web.Server(handle, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sys.stdout.write(f"on http://127.0.0.1:{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


asyncio.run(serve())
