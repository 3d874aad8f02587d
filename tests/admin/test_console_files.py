"""The console as it is served: where its page stands, who gets it, how its files are kept and packed."""

import re
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from mockserver import Contract, Engine, load
from mockserver.admin import console_files as assets
from mockserver.http_api.safety import Access
from mockserver.server import server as edge
from tests.support import LASTING, PATH, folder, problem, serving

BROWSER: Mapping[str, str] = {
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "Accept-Encoding": "identity",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Site": "none",
}
"""What a browser sends when somebody opens an address."""

ROOT_OPERATION = {
    "root.yaml": """\
format: 1
operations:
  root:
    request: GET /
    envelopes:
      success: {status: 200, body: "${respond}"}
""",
    "root.scenarios.yaml": """\
format: 1
operation: root
scenarios:
- scenario: there
  documented: The root.
  respond: {success: {root: true}}
  examples: [{}]
""",
}


async def page(client: aiohttp.ClientSession, url: str, **headers: str) -> tuple[int, Mapping[str, str], bytes]:
    """Status, headers and body as a browser gets them."""
    sent = {**BROWSER, **{name.replace("_", "-"): value for name, value in headers.items()}}
    async with client.get(URL(url, encoded=True), headers=sent, allow_redirects=False, auto_decompress=False) as got:
        return got.status, got.headers, await got.read()


@pytest.mark.parametrize("path", ["/", "/__admin/", "/sandbox/qa/", "/sandbox/qa/__admin/"])
async def test_a_browser_gets_the_page_and_its_files(url: str, client: aiohttp.ClientSession, path: str) -> None:
    """At each address of the page, with the modules that they import."""
    status, headers, body = await page(client, url + path)
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    base = URL(url + path)
    wanted = {base.join(URL(name)) for name in re.findall(r'(?:href|src)="([^"]+)"', body.decode())}
    assert {name.name for name in wanted} == set(assets.console().files)  # all are asked for at once
    seen: set[URL] = set()
    while wanted:
        name = wanted.pop()
        seen.add(name)
        async with client.get(name, headers={"Sec-Fetch-Site": "same-origin"}) as response:
            text = await response.text()
            assert response.status == 200, name
            assert "immutable" in response.headers["Cache-Control"]
            assert response.headers["X-Content-Type-Options"] == "nosniff"
        if name.path.endswith(".js"):
            found = re.findall(r'(?:from|import)\s*\(?"(\./[^"]+)"', text)
            wanted |= {name.join(URL(one)) for one in found} - seen
    assert {name.name for name in seen} == set(assets.console().files)


@pytest.mark.parametrize(
    ("path", "location"),
    [("/__admin", "__admin/"), ("/sandbox/qa", "qa/"), ("/sandbox/qa/__admin", "__admin/")],
)
async def test_a_missing_slash_is_redirected(url: str, client: aiohttp.ClientSession, path: str, location: str) -> None:
    """By a relative redirect, so that a proxy's prefix stays."""
    status, headers, _ = await page(client, url + path)
    assert (status, headers["Location"]) == (307, location)


async def test_only_browsers_get_the_page_at_the_root(url: str, client: aiohttp.ClientSession) -> None:
    """A client of the API gets 404; so does a browser that sends a body."""
    for method, headers in [("GET", {}), ("GET", {"Accept": "application/json"}), ("POST", BROWSER)]:
        async with client.request(method, f"{url}/", headers=headers) as response:
            assert response.status == 404
            assert problem(await response.read())["type"].endswith(":unknown-path")


async def test_the_files_are_compressed_and_small(url: str, client: aiohttp.ClientSession) -> None:
    """Under 120 kB over the wire, heads included."""
    packed = {"Accept_Encoding": "gzip, deflate, br"}
    status, headers, body = await page(client, url + "/__admin/", **packed)
    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    found = assets.console()
    total = len(body)
    for name, asset in found.files.items():
        where = f"{url}/__admin/console/{found.version}/{name}"
        _, headers, body = await page(client, where, **packed)
        assert (headers["Content-Encoding"], headers["Vary"]) == ("gzip", "Accept-Encoding")
        total += len(body) + sum(len(n) + len(v) + 4 for n, v in headers.items())
        _, headers, plain = await page(client, where, Accept_Encoding="gzip;q=0, br")
        assert "Content-Encoding" not in headers
        assert plain == asset.body
    assert total < 120_000


async def test_unchanged_files_are_cached(url: str, client: aiohttp.ClientSession) -> None:
    """The page is revalidated with 304; a file of another version is 404."""
    status, headers, _ = await page(client, url + "/", Accept_Encoding="gzip")
    assert headers["Cache-Control"] == "no-cache"
    again, _, body = await page(
        client, url + "/", Accept_Encoding="gzip", If_None_Match=f'"other", W/{headers["ETag"]}'
    )
    assert (status, again, body) == (200, 304, b"")
    status, _, body = await page(client, url + "/", Accept_Encoding="identity", If_None_Match=headers["ETag"])
    assert status == 200
    for name in ("0000000000000000/main.js", f"{assets.console().version}/nothing.js"):
        status, _, body = await page(client, f"{url}/__admin/console/{name}")
        assert (status, problem(body)["type"].rpartition(":")[2]) == (404, "unknown-file")


async def test_the_policy_allows_only_own_files(url: str, client: aiohttp.ClientSession) -> None:
    """No inline script or style, and no frame around the page."""
    _, headers, body = await page(client, url + "/")
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self' data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert not re.findall(rb"<style|\son\w+=|style=|<script(?![^>]*\ssrc=)", body)


@pytest.mark.parametrize(
    ("headers", "shell", "api"),
    [
        ({"Sec-Fetch-Site": "none"}, 200, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 200, 403),
        ({"Sec-Fetch-Site": "same-site"}, 200, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "iframe"}, 403, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}, 403, 403),
        ({"Sec-Fetch-Site": "none", "Host": "mock.example"}, 200, 403),
    ],
)
async def test_a_link_from_anywhere_may_open_the_page(
    contract: Contract, client: aiohttp.ClientSession, headers: Mapping[str, str], shell: int, api: int
) -> None:
    """The page holds no data; the data stay closed."""
    async with edge.serving(Engine(contract), access=Access()) as url:
        for path, status in [
            ("/", shell),
            ("/__admin/", shell),
            (f"/__admin/console/{assets.console().version}/main.js", shell),
            ("/__admin/requests", api),
        ]:
            async with client.get(url + path, headers={**BROWSER, **headers}) as response:
                assert response.status == status, path


async def test_an_operation_at_the_root_goes_before_the_console(client: aiohttp.ClientSession, tmp_path: Path) -> None:
    """The console is then at its other address alone."""
    contract = load(overlays=[folder(tmp_path / "root", ROOT_OPERATION)])
    async with edge.serving(Engine(contract)) as url:
        assert await page(client, url + "/") != await page(client, url + "/__admin/")
        assert (await page(client, url + "/"))[2] == b'{"root":true}'
        assert (await page(client, url + "/__admin/"))[1]["Content-Type"].startswith("text/html")


async def test_the_console_is_served_on_the_admin_port(contract: Contract, client: aiohttp.ClientSession) -> None:
    """There the page needs no token, the data do."""
    server = edge.Server(Engine(contract), access=Access("t0ken"))
    try:
        ports = await server.start("127.0.0.1", 0, 0)
        admin_url, url = ports.admin_url, ports.url
        assert [(await page(client, url + path))[0] for path in ("/", "/__admin/")] == [404, 404]
        assert [(await page(client, admin_url + path))[0] for path in ("/", "/__admin/")] == [200, 200]
        assert (await page(client, admin_url + "/__admin/requests"))[0] == 401
    finally:
        await server.stop()


async def test_the_admin_port_names_the_main_port(contract: Contract, client: aiohttp.ClientSession) -> None:
    """In curl lines, with the host of the request."""
    server = edge.Server(Engine(contract), access=Access(allowed_hosts=("mock.example",)))
    try:
        ports = await server.start("127.0.0.1", 0, 0)
        admin_url, url = ports.admin_url, ports.url
        port = url.rpartition(":")[2]
        for host, expected in [
            (admin_url.removeprefix("http://"), url),
            ("mock.example", f"http://mock.example:{port}"),
            ("[::1]:7000", f"http://[::1]:{port}"),
        ]:
            async with client.get(f"{admin_url}/__admin/contract", headers={"Host": host}) as response:
                shown = await response.json()
            assert (shown["url"], shown["apart"]) == (expected, True)
        async with client.get(f"{admin_url}/__admin/coverage") as response:
            lines = [row["curl"] for row in (await response.json())["scenarios"]]
        assert all(f" {url}{PATH} " in line for line in lines)
        async with client.get(f"{admin_url}/__admin/export/openapi") as response:
            assert (await response.json(content_type=None))["servers"][0]["url"] == url
        async with client.get(f"{admin_url}/__admin/export/postman") as response:
            assert url in await response.text()
    finally:
        await server.stop()


async def test_without_the_admin_api_there_is_no_console(client: aiohttp.ClientSession) -> None:
    """`--no-admin` takes it away as well, and leaves the operation."""
    with serving("--no-admin") as serve:
        assert [(await page(client, serve.url + path))[0] for path in ("/", "/__admin/")] == [404, 404]
        assert serve.post(LASTING, PATH)[0] == 200


async def test_the_contract_route_lists_operations_and_assumptions(
    url: str, client: aiohttp.ClientSession, contract: Contract
) -> None:
    """Lookups, collections, and assumptions by id."""
    async with client.get(f"{url}/__admin/contract") as response:
        shown = await response.json()
    assert shown["contract"] == contract.hash
    assert (shown["url"], shown["apart"]) == (url, False)
    assert [(one["method"], one["path"]) for one in shown["operations"]] == [("POST", PATH)]
    assert [one["collection"] for one in shown["collections"]] == list(contract.collections)
    assert [one["title"]["es"] for one in shown["collections"]] == ["Lotes", "Tarjetas", "Clientes", "Correos"]
    assert set(shown["operations"][0]["lookups"].values()) == set(contract.collections)
    assert shown["assumptions"] == contract.assumptions
    assert shown["assumption_texts"]["atomic"] == {
        "en": "A failed activation changes nothing.",
        "es": "Una activación fallida no cambia nada.",
    }
