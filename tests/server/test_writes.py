"""Answers of one turn of the event loop are written together at its end, in their order."""

import asyncio
import socket
from contextlib import ExitStack
from typing import Any, cast
from urllib.parse import urlsplit

from mockserver import Engine, load
from mockserver.server.connections import WriteQueue
from mockserver.server.logs import AccessRecord
from mockserver.server.server import Server
from tests.support import PATH, answer, head, until


class Transport:
    """What was written, and whether anything still can be."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closing = False

    def is_closing(self) -> bool:
        """Whether the client is gone."""
        return self.closing

    def write(self, data: bytes) -> None:
        """Keep what was written."""
        self.written.append(data)


async def test_held_answers_can_be_flushed() -> None:
    sent = Transport()
    queue = WriteQueue()
    queue.enqueue(cast(Any, sent), b"1")
    assert sent.written == []
    queue.flush()
    assert sent.written == [b"1"]
    await asyncio.sleep(0)
    assert sent.written == [b"1"]


async def test_answers_of_one_turn_are_written_in_order_at_its_end() -> None:
    loop, sent = asyncio.get_running_loop(), Transport()
    queue, seen = WriteQueue(), list[list[bytes]]()

    def answered(number: int) -> None:
        queue.enqueue(cast(Any, sent), b"%d" % number)
        seen.append(list(sent.written))

    for number in range(3):
        loop.call_soon(answered, number)
    await asyncio.sleep(0)
    assert seen == [[], [], []]
    await asyncio.sleep(0)
    assert sent.written == [b"0", b"1", b"2"]


async def test_nothing_is_written_to_a_client_that_left() -> None:
    loop, stayed, left = asyncio.get_running_loop(), Transport(), Transport()
    queue = WriteQueue()
    loop.call_soon(queue.enqueue, cast(Any, left), b"answer")
    loop.call_soon(queue.enqueue, cast(Any, stayed), b"answer")
    loop.call_soon(setattr, left, "closing", True)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (left.written, stayed.written) == ([], [b"answer"])


async def test_a_stop_loses_no_held_answer() -> None:
    stops: list[asyncio.Future[None]] = []

    def stopped(_: AccessRecord) -> None:
        if not stops:
            stops.append(asyncio.ensure_future(server.stop()))

    server = Server(Engine(load()), stopped)
    url = urlsplit((await server.start("127.0.0.1", 0)).url)
    with ExitStack() as closing:
        before = asyncio.all_tasks()
        clients = [closing.enter_context(socket.create_connection((url.hostname, url.port))) for _ in range(20)]
        await until(lambda: len(asyncio.all_tasks() - before) >= len(clients))  # they are taken up
        for client in clients:
            client.sendall(head("POST", PATH, length=2) + b"{}")
        for client in clients:
            client.setblocking(False)
            reader, writer = await asyncio.open_connection(sock=client)
            assert (await answer(reader))[0] == "HTTP/1.1 400 Bad Request"
            writer.close()
    await stops[0]
