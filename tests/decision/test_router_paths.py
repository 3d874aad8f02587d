"""Paths and methods as they are sent to the router: what is data in a path, HEAD, OPTIONS, and names of sandboxes."""

import json
from pathlib import Path
from typing import Final

import pytest

from mockserver import Contract, Engine, load
from mockserver.server.server import Server, serving
from tests.support import LASTING, PATH, folder, head, journal, problem, raw

PETS: Final = {
    "pets.yaml": """\
format: 1
operations:
  adopt:
    request: POST /pets/{pet_id}/adoption
    sensitive: [path.pet_id]
    envelopes: {plain: {status: 200, body: "${respond}"}}
  find:
    request: GET /pets/{pet_id}
    envelopes: {plain: {status: 200, body: "${respond}"}}
""",
    "adopt.yaml": """\
format: 1
operation: adopt
scenarios:
- scenario: adopted
  documented: Adopted
  respond: {plain: {pet: yours}}
""",
    "find.yaml": """\
format: 1
operation: find
scenarios:
- scenario: found
  documented: Found
  respond: {plain: {pet: {first_of: ["${path.pet_id}", none]}}}
""",
}
CLOSE: Final = "Connection: close"


@pytest.fixture
def pets(tmp_path: Path) -> Engine:
    """A mock whose paths have parameters."""
    return Engine(load(folder(tmp_path, PETS)))


@pytest.mark.parametrize(
    ("sent", "pet"),
    [("a%2Fb", "a/b"), ("a%2fb", "a/b"), ("%2F", "/"), ("100%25", "100%"), ("%252F", "%2F"), ("%C3%A9", "é")],
)
async def test_an_escaped_slash_in_a_path_is_data(pets: Engine, sent: str, pet: str) -> None:
    """It ends no segment, and what is read is what was meant."""
    async with serving(pets) as url:
        answer = await raw(url, head("GET", f"/pets/{sent}", CLOSE))
    assert json.loads(answer.partition(b"\r\n\r\n")[2]) == {"pet": pet}
    (entry,) = journal(pets)
    assert entry.request.path == {"pet_id": pet}


async def test_an_escaped_slash_does_not_show_a_secret(pets: Engine) -> None:
    """What is masked as a parameter is masked in the target too."""
    async with serving(pets) as url:
        assert b" 200 OK" in await raw(url, head("POST", "/pets/s3cr3t%2F77%25/adoption", CLOSE, length=2) + b"{}")
    (entry,) = journal(pets)
    assert entry.request.target == "/pets/x0xx0x%2F00%25/adoption"
    assert "/request/target" in entry.masked


async def test_an_escaped_slash_is_no_slash_of_an_operation(url: str) -> None:
    """Nor of a sandbox."""
    for path in (PATH.replace("/v1", "%2Fv1"), "/sandbox%2Fa" + PATH):
        answer = await raw(url, head("POST", path, CLOSE, length=2) + b"{}")
        assert b" 404 Not Found\r\n" in answer
        assert f"There is no {path}." in problem(answer.partition(b"\r\n\r\n")[2])["detail"]
    assert b" 400 Bad Request" in await raw(url, head("POST", "/sandbox/a%2Fb" + PATH, CLOSE, length=2) + b"{}")


async def test_head_is_served_where_get_is(pets: Engine) -> None:
    """With the headers of the answer and without its body; the journal has it as HEAD."""
    async with serving(pets) as url:
        top, _, body = (await raw(url, head("HEAD", "/pets/7", CLOSE))).partition(b"\r\n\r\n")
        refused = await raw(url, head("HEAD", "/pets/7/adoption", CLOSE))
        other = await raw(url, head("DELETE", "/pets/7", CLOSE))
    assert (top.split()[1], b"Content-Length: 11" in top, body) == (b"200", True, b"")
    assert b"\r\nAllow: POST\r\n" in refused
    assert b"\r\nAllow: GET, HEAD\r\n" in other
    assert [entry.request.method for entry in journal(pets)][-1] == "HEAD"


@pytest.mark.parametrize("fault", ["truncate", "dribble; seconds=0", "malformed", "gateway"])
async def test_head_has_no_body_whatever_goes_wrong(pets: Engine, fault: str) -> None:
    """A fault sends what an answer to HEAD can have."""
    async with serving(pets) as url:
        answer = await raw(url, head("HEAD", "/pets/7", f"Mock-Fault: {fault}", CLOSE))
    assert answer.partition(b"\r\n\r\n")[1:] == (b"\r\n\r\n", b"")


async def test_options_of_the_whole_server(contract: Contract) -> None:
    """`OPTIONS *` says on each port which methods there are; no sandbox and no entry come of it."""
    engine = Engine(contract)
    server = Server(engine)
    ports = await server.start("127.0.0.1", 0, 0)
    try:
        for url in (ports.admin_url, ports.url):
            answer = await raw(url, head("OPTIONS", "*", CLOSE))
            assert answer.startswith(b"HTTP/1.1 204 No Content\r\n")
            assert b"\r\nAllow: DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT\r\n" in answer
    finally:
        await server.stop()
    assert journal(engine) == []


async def test_a_missing_sandbox_name_is_told(url: str) -> None:
    """What stands in its place was taken for it."""
    answer = await raw(url, head("POST", "/sandbox" + PATH, CLOSE, length=2) + b"{}")
    detail = problem(answer.partition(b"\r\n\r\n")[2])["detail"]
    assert " debit was taken for the name of the sandbox. " in detail
    assert problem(answer.partition(b"\r\n\r\n")[2])["did_you_mean"] == [PATH]
    answer = await raw(url, head("GET", "/sandbox/__admin/health", CLOSE))
    assert "got __admin." in problem(answer.partition(b"\r\n\r\n")[2])["detail"]


@pytest.mark.parametrize(
    "sent",
    [
        head("POST", "/sandbox/other/nothing", CLOSE, length=2) + b"{}",
        head("GET", "/sandbox/other" + PATH, CLOSE),
        head("OPTIONS", "/sandbox/other" + PATH, CLOSE, "Origin: http://a", "Access-Control-Request-Method: POST"),
        head("POST", "/sandbox/other" + PATH, CLOSE, "Mock-Delay: x", length=2) + b"{}",
        head("POST", "/sandbox/other" + PATH, CLOSE, "Content-Encoding: br", length=2) + b"{}",
        head("POST", "/sandbox/other" + PATH, CLOSE, "Host: a b", length=2) + b"{}",
    ],
)
async def test_a_refused_request_makes_no_sandbox(contract: Contract, sent: bytes) -> None:
    """Nobody fills the server with names by what it does not serve."""
    engine = Engine(contract)
    async with serving(engine) as url:
        assert b"HTTP/1.1 4" in await raw(url, sent)
        assert await engine.storage.find("other") is None
        lasting = json.dumps(LASTING).encode()
        await raw(url, head("POST", "/sandbox/other" + PATH, CLOSE, length=len(lasting)) + lasting)
        assert await engine.storage.find("other") is not None
