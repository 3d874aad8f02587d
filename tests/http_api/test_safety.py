"""Who may use the admin API: tokens, browsers, ports; and which pages may call the operations."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from mockserver import Contract, Engine
from mockserver.admin.routes import endpoints, routes
from mockserver.http_api.safety import Access, check_origin
from mockserver.server import server as edge
from tests.support import LASTING, PATH, problem, raw, run, run_process, serving

TOKEN = "s3cr3t-t0ken"


def filled(path: str) -> str:
    return re.sub(r"\{[^{}]*\}", "1", path)


# -- the token ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent", [None, "", TOKEN, "Bearer", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer \u00e9", f"Bearer x{TOKEN}"]
)
async def test_no_route_but_health_is_open(contract: Contract, client: aiohttp.ClientSession, sent: str | None) -> None:
    """Without the right token every route of the table, and every other path below the prefix, gets 401.

    The console's page and its files are open: they hold no data.
    """
    headers = {} if sent is None else {"Authorization": sent}
    async with edge.serving(Engine(contract), access=Access(TOKEN)) as url:
        others = [("GET", "/__admin"), ("PUT", "/__admin/x")]
        for method, path in [*((r.method, filled(r.path)) for r in routes() if not r.is_console), *others]:
            for prefix in ("", "/sandbox/a"):
                async with client.request(method, url + prefix + path, headers=headers) as response:
                    assert response.status == (200 if path == "/__admin/health" else 401), (method, path)
                    if response.status == 401:
                        assert response.headers["WWW-Authenticate"] == "Bearer"
                        assert TOKEN not in problem(await response.read())["detail"]
        async with client.post(url + PATH, json=LASTING) as response:
            assert response.status == 200


DISGUISED = [
    *("/__admin/state", "/__admin/state/", "//__admin/state", "/__admin//state", "/./__admin/state"),
    *("/x/../__admin/state", "/%5f%5fadmin/state", "/__%61dmin/state", "/__admin%2fstate", "/__admin/st%61te"),
    *("/%2e/__admin/state", "/__admin/./state", "/__admin/../__admin/state", "/__admin/health/../state"),
    *("/__admin/health/%2e%2e/state", "/__admin/health%2f..%2fstate", "/__admin/state?x=/__admin/health"),
    *("/__admin/state;/__admin/health", "/__admin/state%00", "/__admin/state%20", "/__ADMIN/state", "/__Admin/state"),
    *("/__admin/STATE", "/sandbox/a/__admin/state", "/sandbox/a/%5f_admin/state", "/sandbox/__admin/state"),
    *("/sandbox/a/../__admin/state", "/sandbox//__admin/state", "/sandbox/a//__admin/state"),
    *("http://mock/__admin/state", "http://mock/sandbox/a/__admin/state", "http://mock//__admin/state"),
    *("/__admin/console/../state", "/__admin/console/%2e%2e/state", "/__admin/health?/../state", "/__admin\\state"),
    *("/\\__admin/state", "/__admin/state%23", "/__admin/state/cards", "/__admin/requests", "/__admin/events"),
    *("/__admin/settings", "/__admin/clock", "/__admin/armed", "/__admin/reset", "/__admin/reload"),
    *("/__admin/verify", "/__admin/arm", "/__admin/coverage", "/__admin/export/openapi"),
]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"])
async def test_no_disguised_path_passes_the_token(contract: Contract, method: str) -> None:
    """Nothing but health and the console's page is answered with success."""
    async with edge.serving(Engine(contract, admin_endpoints=endpoints), access=Access(TOKEN)) as url:
        for path in DISGUISED:
            sent = f"{method} {path} HTTP/1.1\r\nHost: mock\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            shown = await raw(url, sent.encode())
            assert int(shown.split()[1]) >= 300, (path, shown)
            assert b"cards" not in shown.partition(b"\r\n\r\n")[2], path


async def test_the_token_opens_every_route(contract: Contract, client: aiohttp.ClientSession) -> None:
    """Its scheme is spelt in any case."""
    async with edge.serving(Engine(contract), access=Access(TOKEN)) as url:
        for scheme in ("Bearer", "bearer"):
            async with client.get(f"{url}/__admin/sandboxes", headers={"Authorization": f"{scheme} {TOKEN}"}) as got:
                assert got.status == 200


def test_the_token_is_in_no_log() -> None:
    """Neither the server's nor the client's."""
    for form in ("human", "json"):
        with serving("--log-format", form, env={"MOCKSERVER_ADMIN_TOKEN": TOKEN}) as serve:
            for sent in (TOKEN, TOKEN + "wrong"):
                serve.post({}, path="/__admin/reset", Authorization=f"Bearer {sent}")
                serve.post(LASTING, path=f"{PATH}?token={sent}", Authorization=f"Bearer {sent}")
            assert serve.stop() == 0
            assert TOKEN not in "\n".join([*serve.out.rest(), *serve.err.rest()])


@pytest.mark.parametrize("token", ["", "a b", "caf\u00e9"])
def test_a_token_that_cannot_be_sent_is_refused_at_start(token: str) -> None:
    """A token has visible ASCII characters only."""
    ended = run_process("--admin-token", token)
    assert (ended.returncode, "visible ASCII" in ended.stderr) == (2, True)


# -- browsers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "good.example:8080"}, 200),
        ({"Host": "mock.example"}, 403),
        ({"Host": "mock.example:8080"}, 403),
        ({"Host": "localhost:1", "Origin": "http://localhost:1"}, 200),
        ({"Host": "LOCALHOST", "Origin": "http://localhost:80"}, 200),
        ({"Host": "a.localhost", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Host": "192.0.2.1:8080", "Sec-Fetch-Site": "none"}, 200),
        ({"Host": "[::1]:8080", "Origin": "http://[::1]:8080", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Host": "Good.example", "Origin": "https://good.example"}, 200),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, 403),
        ({"Host": "evil.example", "Sec-Fetch-Mode": "navigate"}, 403),
        ({"Host": "evil.localhost.example", "Sec-Fetch-Site": "same-origin"}, 403),
        ({"Host": "localhost", "Origin": "http://evil.example"}, 403),
        ({"Host": "localhost", "Origin": "http://localhost:3000"}, 403),
        ({"Host": "localhost", "Origin": "null"}, 403),
        ({"Host": "localhost", "Origin": "http://localhost:x"}, 403),
        ({"Host": "localhost", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Host": "localhost", "Sec-Fetch-Site": "same-site"}, 403),
    ],
)
async def test_only_same_origin_pages_reach_the_admin_api(
    contract: Contract, headers: Mapping[str, str], status: int
) -> None:
    """With a safe host; never with CORS headers."""
    access = Access(allowed_hosts=("good.example",), cors_origins=("*",))
    async with edge.serving(Engine(contract), access=access) as url:
        for path in ("/__admin/sandboxes", "/__admin/health", "/sandbox/a/__admin/health"):
            lines = [f"{name}: {value}" for name, value in {"Host": "localhost", **headers}.items()]
            sent = f"GET {path} HTTP/1.1\r\n" + "\r\n".join([*lines, "Connection: close"]) + "\r\n\r\n"
            answered = await raw(url, sent.encode())
            assert int(answered.split()[1]) == status
            assert b"access-control" not in answered.lower()
            assert status == 200 or b"foreign-page" in answered or b"foreign-host" in answered


async def test_a_request_without_host_is_from_no_browser(url: str) -> None:
    """HTTP/1.0 health checks send none."""
    assert (await raw(url, b"GET /__admin/health HTTP/1.0\r\n\r\n")).split()[1] == b"200"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--cors-origin", "a.com"),
        ("--cors-origin", "http://a/"),
        ("--cors-origin", "http://a,http://b"),
        ("--cors-origin", "http://a:65536"),
        ("--cors-origin", "http://a:0"),
        ("--cors-origin", "http://a:08080"),
        ("--cors-origin", "http://A"),
        ("--cors-origin", "http://a:80"),
        ("--cors-origin", "https://a:443"),
        ("--cors-origin", ""),
        ("--allowed-host", "http://mock"),
        ("--allowed-host", "mock:8080"),
        ("--allowed-host", "a,b"),
        ("--allowed-host", "mock/"),
        ("--allowed-host", ""),
    ],
)
def test_a_host_or_origin_that_never_matches_is_refused(option: str, value: str) -> None:
    """With the form expected; a comma hints at how a variable separates."""
    ended = run(option, value, "--port", "0")
    assert (ended.returncode, "expected" in ended.stderr) == (2, True)
    assert ("separated by blanks" in " ".join(ended.stderr.split())) == ("," in value)


@pytest.mark.parametrize(
    "origin", ["*", "null", "http://a", "http://a:8080", "https://a:80", "http://[::1]:3000", "capacitor://localhost"]
)
def test_an_origin_as_browsers_send_it_is_accepted(origin: str) -> None:
    """Also those of apps and of files."""
    check_origin(origin)


async def test_a_preflight_to_the_admin_api_is_refused(contract: Contract, client: aiohttp.ClientSession) -> None:
    """Like any other request of a foreign page."""
    headers = {"Origin": "http://page.example", "Access-Control-Request-Method": "POST"}
    async with edge.serving(Engine(contract), access=Access(cors_origins=("*",))) as url:
        async with client.options(f"{url}/__admin/reset", headers=headers) as response:
            assert response.status == 403
        assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize(
    ("origins", "allowed", "vary"),
    [(("http://localhost",), "http://localhost", "Origin"), (("*",), "*", None), (("http://other",), None, None)],
)
async def test_cors_opens_the_operations_to_an_origin(
    contract: Contract, client: aiohttp.ClientSession, origins: tuple[str, ...], allowed: str | None, vary: str | None
) -> None:
    """Preflights are answered, Mock-* headers exposed; refusals can be read."""
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type, mock-scenario"}
    page = {"Origin": "http://localhost"}
    async with edge.serving(Engine(contract), access=Access(cors_origins=origins)) as url:
        async with client.options(url + PATH, headers={**page, **asked}) as response:
            assert response.status == (405 if allowed is None else 204)
            if allowed is not None:
                assert response.headers["Access-Control-Allow-Methods"] == "POST"
                assert response.headers["Access-Control-Allow-Headers"] == asked["Access-Control-Request-Headers"]
        for body in (LASTING, {}):
            async with client.post(url + PATH, json=body, headers=page) as response:
                assert response.headers.get("Access-Control-Allow-Origin") == allowed
                assert response.headers.get("Vary") == vary
                exposed = response.headers.get("Access-Control-Expose-Headers", "").split(", ")
                assert allowed is None or {"Mock-Scenario", "Mock-Contract"} <= set(exposed)
                assert "Content-Type" not in exposed
        async with client.post(f"{url}/nothing", headers=page) as response:
            assert (response.status, response.headers.get("Access-Control-Allow-Origin")) == (404, allowed)
        async with client.post(url + PATH, json=LASTING) as response:
            assert not [name for name in response.headers if name.startswith("Access-Control")]


def test_every_header_of_an_answer_is_exposed() -> None:
    """Those of a scenario too, but for those that any page may read."""
    headers = dict(
        Access(cors_origins=("*",)).cors_headers({"origin": "http://a"}, ["Content-Type", "X-Rate", "Mock-Entry"])
    )
    assert headers["Access-Control-Expose-Headers"] == "X-Rate, Mock-Entry"


# -- ports --------------------------------------------------------------------------------------------


async def test_the_admin_api_can_have_its_own_port(contract: Contract, client: aiohttp.ClientSession) -> None:
    """On the main port its paths are 404, health excepted."""
    server = edge.Server(Engine(contract))
    try:
        ports = await server.start("127.0.0.1", 0, 0)
        admin_url, url = ports.admin_url, ports.url
        for base, path, status in [
            (admin_url, "/__admin/sandboxes", 200),
            (admin_url, "/__admin/health", 200),
            (admin_url, "/sandbox/a/__admin/state", 200),
            (admin_url, PATH, 404),
            (admin_url, "/sandbox/-a/__admin/state", 400),
            (url, "/__admin/sandboxes", 404),
            (url, "/sandbox/a/__admin/state", 404),
            (url, "/__admin/health", 200),
            (url, PATH, 405),
        ]:
            async with client.get(base + path) as response:
                assert response.status == status, (base, path)
                if "/__admin" in path and status == 404:
                    assert str(urlsplit(admin_url).port) in problem(await response.read())["detail"]
        async with client.post(url + PATH, json=LASTING) as response:
            assert response.status == 200
    finally:
        await server.stop()


def test_options_close_or_move_the_admin_api() -> None:
    """`--no-admin` leaves health; `--admin-port` is shown at start; both at once are refused."""
    with serving("--no-admin") as serve:
        status, _, body = serve.post({}, path="/__admin/reset")
        assert (status, "--no-admin" in problem(body)["detail"]) == (404, True)
        assert run("health", serve.url).returncode == 0
        assert not set(endpoints()) & set(problem(serve.post({}, path="/nothing")[2])["paths"])
    with serving("--admin-port", "0", "--log-format", "json") as serve:
        told = json.loads(serve.out.seen[-1])
        assert run("reset", "--url", told["admin_url"]).returncode == 0
        assert run("reset", "--url", told["url"]).returncode == 1
        assert run("health", told["url"]).returncode == 0
        taken = run_process("--port", "0", "--admin-port", str(urlsplit(told["admin_url"]).port))
        assert (taken.returncode, f"cannot listen on {told['admin_url']}" in taken.stderr) == (1, True)
    assert run_process("--no-admin", "--admin-port", "0").returncode == 2


def test_options_of_the_admin_api_take_effect() -> None:
    """`--admin-token`, `--allowed-host`, `--cors-origin` and `--max-records`, or their variables."""
    env = {"MOCKSERVER_ALLOWED_HOST": "one.example two.example", "MOCKSERVER_CORS_ORIGIN": "http://a http://b"}
    with serving("--admin-token", TOKEN, "--max-records", "0", env=env) as serve:
        browser = {"Host": "two.example", "Origin": "http://two.example", "Authorization": f"Bearer {TOKEN}"}
        assert serve.post({}, path="/__admin/reset", **browser)[0] == 200
        assert serve.post(LASTING, Origin="http://b")[1]["Access-Control-Allow-Origin"] == "http://b"
        assert serve.post({**LASTING, "card_identifier": "C"})[0] == 507


def test_the_bytes_of_all_sandboxes_are_bounded_by_an_option() -> None:
    """What is refused says which setting makes room."""
    with serving("--max-state-bytes", "10") as serve:
        status, _, body = serve.post({**LASTING, "card_identifier": "C"})
        assert status == 507
        assert "max_state_bytes" in problem(body)["detail"]


# -- schemas that are given at run time -----------------------------------------------------------------


@pytest.mark.parametrize(
    "reference", ["http://127.0.0.1:9/x.json", "file:///etc/passwd", "contract.schema.json", "#/x"]
)
async def test_a_run_time_schema_cannot_refer_to_files(url: str, client: aiohttp.ClientSession, reference: str) -> None:
    """Nothing is fetched or read; the scenario is refused with the reason."""
    spec: dict[str, Any] = {
        "scenario": "mine",
        "when": {"body.pin": {"schema": {"$ref": reference}}},
        "respond": {"error": {"code": 1, "hints": ["x"]}},
    }
    async with client.put(f"{url}/__admin/scenarios/mine", json=spec) as response:
        assert response.status == 400
        assert "$ref" in json.dumps(problem(await response.read()))
    async with client.post(url + PATH, json=LASTING) as answered:
        assert answered.headers["Mock-Scenario"] == "activated-existing-customer"
