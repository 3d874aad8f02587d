"""The job written by hand on aiohttp, nothing around it: `minimum.py PORT RULES [uvloop]`.

It reads, parses, checks with a compiled schema, compares with each rule in turn, and dumps: no state, no journal, no log.
"""

import asyncio
import sys
from importlib import import_module
from pathlib import Path

import orjson
from aiohttp import web
from job import PATH, answer
from jsonschema_rs import Draft202012Validator

SCHEMA = Path(__file__).parents[2] / "schemas" / "activate-card-for-customer.request.schema.json"
IS_VALID = Draft202012Validator(orjson.loads(SCHEMA.read_bytes())).is_valid
RULES = [(f"R-{number}", f"card_{number}") for number in range(int(sys.argv[2]))]


async def handle(request: web.Request) -> web.Response:
    body = orjson.loads(await request.read())
    if not IS_VALID(body):
        return web.Response(status=400)
    customer, found = body.get("customer_id"), "card_987654321"
    for wanted, card in RULES:
        if customer == wanted:
            found = card
            break
    return web.Response(body=orjson.dumps(answer(customer, found)), content_type="application/json")


async def serve() -> None:
    app = web.Application()
    app.router.add_post(PATH, handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(sys.argv[1])).start()
    await asyncio.Event().wait()


run = import_module("uvloop").run if "uvloop" in sys.argv else asyncio.run
run(serve())
