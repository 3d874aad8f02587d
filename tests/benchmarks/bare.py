"""A bare aiohttp program: it reads the body and answers with constant bytes. `bare.py PORT`."""

import asyncio
import json
import sys

from aiohttp import web
from job import PATH, success

BODY = json.dumps(success("12345678")).encode()


async def handle(request: web.Request) -> web.Response:
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
