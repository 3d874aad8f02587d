"""Files loaded anew while the mock serves: whole or not at all, and what sandboxes have stays theirs."""

import asyncio
import gc
import json
import shutil
import sys
import threading
import time
import urllib.request
import weakref
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from mockserver import Contract, Engine, load
from mockserver.contract.loading import ContractFiles
from mockserver.core.contract import Reload
from mockserver.core.model import Settings
from mockserver.engine import reloading
from mockserver.engine.reloading import Reloader
from mockserver.engine.threads import run_in_thread
from mockserver.server import server as edge
from tests.support import PATIENCE, folder, problem, serving, spawned
from tests.support.contract_versions import Seen, keep_asking, letter_of, version


class Mock:
    """A server of a folder of files, and a client of it."""

    def __init__(self, url: str, files: ContractFiles, engine: Engine, client: aiohttp.ClientSession) -> None:
        self.url = url
        self.files = files
        self.engine = engine
        self.client = client
        self.told: list[Reload] = []

    async def ask(self, thing: str, sandbox: str = "", **headers: str) -> tuple[str, dict[str, Any]]:
        """The scenario that answers, and the answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = f"{self.url}{sandbox and '/sandbox/'}{sandbox}/order"
        async with self.client.post(url, json={"thing": thing}, headers=named) as response:
            return response.headers["Mock-Scenario"], await response.json()

    async def admin(self, method: str, path: str, body: object = None, status: int = 200, sandbox: str = "") -> Any:
        """What the admin API says."""
        data = body.encode() if isinstance(body, str) else None if body is None else json.dumps(body).encode()
        url = f"{self.url}{sandbox and '/sandbox/'}{sandbox}/__admin{path}"
        async with self.client.request(method, url, data=data) as response:
            assert response.status == status, await response.text()
            return await response.json()

    async def load(self, files: dict[str, str], status: int = 200) -> Any:
        """Put these files there, and have them loaded."""
        folder(self.files.folder or Path(), files)
        return await self.admin("POST", "/reload", status=status)

    async def health(self, condition: str, value: object) -> dict[str, Any]:
        """The part about loading of the health document, once a member of it, or the contract's hash, is as wanted."""
        async with asyncio.timeout(PATIENCE):
            while True:
                shown: dict[str, Any] = await self.admin("GET", "/health")
                if {**shown["reload"], "contract": shown["contract"]}[condition] == value:
                    reload: dict[str, Any] = shown["reload"]
                    return reload
                await asyncio.sleep(0.01)


@asynccontextmanager
async def mock(files: ContractFiles, watch: float = 0, overrides: dict[str, Any] | None = None) -> AsyncIterator[Mock]:
    """A server of files, which looks at them every so many seconds, if any."""
    known = files.fingerprint()
    contract = files.load()

    def settings(of_files: Settings) -> Settings:
        return Settings(**{**{n: getattr(of_files, n) for n in of_files.__slots__}, **(overrides or {})})

    engine = Engine(contract, settings=settings(contract.settings))
    del contract
    async with edge.serving(engine) as url, aiohttp.ClientSession() as client:
        one = Mock(url, files, engine, client)
        reloader = Reloader(engine, files, time.time_ns, settings, one.told.append)
        task = asyncio.create_task(reloader.watch(known, watch)) if watch else None
        try:
            yield one
        finally:
            if task is not None:
                assert not task.done()
                task.cancel()


@pytest.fixture
async def orders(tmp_path: Path) -> AsyncIterator[Mock]:
    """A server of version A, which loads when it is told to."""
    async with mock(ContractFiles(folder(tmp_path / "orders", version("a")))) as one:
        yield one


def hash_of(files: ContractFiles) -> str:
    return files.load().hash


# -- the command -------------------------------------------------------------------------------------


def test_watch_loads_changed_files(tmp_path: Path) -> None:
    """A bad file changes nothing and is shown in log, health and metrics until it is mended."""
    at = folder(tmp_path / "orders", version("a"))
    with serving("--contract", str(at), "--watch", "--error-status", "418") as server:
        assert server.out.wait("Watching") == "Watching the files"
        folder(at, version("b"))
        assert f"reloaded: contract {load(at).hash}" in server.out.wait("reload")
        status, headers, body = server.post({"thing": "X"}, "/order")
        assert (status, headers["Mock-Contract"], letter_of(body)) == (200, load(at).hash, {"b"})
        good = load(at).hash
        folder(at, version("c", bad="orders.yaml"))
        assert f"reload failed, contract {good} stays: 1 wrong" in server.out.wait("reload")
        assert server.out.wait("orders.yaml") == f"{at}/orders.yaml:4:5: unknown member opn"
        assert server.post({"thing": "X"}, "/order")[1]["Mock-Contract"] == good
        assert '"status":"failed"' in fetched(server.url + "/__admin/health")
        assert 'mockserver_reloads_total{result="bad"} 1.0' in fetched(server.url + "/__admin/metrics")
        folder(at, version("b"))
        assert f"reloaded: contract {good}" in server.out.wait("reload")
        shown = json.loads(fetched(server.url + "/__admin/health"))
        assert (shown["status"], shown["reload"]["status"], shown["reload"]["errors"]) == ("ok", "ok", 0)
        assert server.stop() == 0


def fetched(url: str) -> str:
    with urllib.request.urlopen(url, timeout=PATIENCE) as response:
        return str(response.read().decode())


def test_reloads_are_logged_as_json(tmp_path: Path) -> None:
    """One object a reload, with its errors; the variable does what the option does."""
    at = folder(tmp_path / "orders", version("a"))
    environment = {"MOCKSERVER_WATCH": "1", "MOCKSERVER_LOG_FORMAT": "json"}
    with serving("--contract", str(at), env=environment) as server:
        assert json.loads(server.out.seen[0])["watch"] is True
        folder(at, version("a", bad="order.schema.json"))
        failed = json.loads(server.out.wait("reload"))
        assert (failed["event"], len(failed["errors"])) == ("reload failed", 1)
        assert failed["errors"][0]["at"].startswith(f"{at}/order.schema.json:1:")
        folder(at, version("b"))
        done = json.loads(server.out.wait("reload"))
        assert (done["event"], done["contract"], done["notes"]) == ("reloaded", load(at).hash, [])


# -- what is seen of the files -------------------------------------------------------------------------


async def test_a_swapped_link_is_a_change(tmp_path: Path) -> None:
    """As Kubernetes updates a ConfigMap: files are links through ..data."""
    for letter in "ab":
        folder(tmp_path / f"..{letter}", version(letter))
    (tmp_path / "..data").symlink_to("..a")
    for name in version("a"):
        (tmp_path / name).symlink_to(Path("..data") / name)
    async with mock(ContractFiles(tmp_path), watch=0.01) as one:
        assert (await one.ask("X"))[1]["envelope"] == "a"
        (tmp_path / "..new").symlink_to("..b")
        (tmp_path / "..new").rename(tmp_path / "..data")
        await one.health("contract", hash_of(one.files))
        assert (await one.ask("X"))[1]["envelope"] == "b"


async def test_a_change_is_found_by_content(tmp_path: Path) -> None:
    """Also with the same size and time."""
    at = folder(tmp_path / "orders", version("a"))
    async with mock(ContractFiles(at), watch=0.01) as one:
        for name, text in version("b").items():
            new, old = tmp_path / name, at / name
            new.write_text(text)
            shutil.copystat(old, new)
            assert new.stat().st_mtime_ns == old.stat().st_mtime_ns
            assert new.stat().st_size == old.stat().st_size
            new.rename(old)
        await one.health("contract", hash_of(one.files))
        assert (await one.ask("ONLY"))[0] == "only-b"


async def test_a_missing_folder_is_reported_until_it_returns(tmp_path: Path) -> None:
    """The old contract is served meanwhile."""
    at, away = folder(tmp_path / "orders", version("a")), tmp_path / "away"
    async with mock(ContractFiles(at), watch=0.01) as one:
        at.rename(away)
        assert (await one.health("status", "failed"))["errors"] == 1
        assert str(at) not in json.dumps(await one.admin("GET", "/health"))
        reload = await one.admin("GET", "/reload")
        assert reload["errors"][0]["at"] == f"{at}:1:1"
        assert "No such file" in reload["errors"][0]["what"]
        assert (await one.ask("X"))[1]["envelope"] == "a"
        away.rename(at)
        assert (await one.health("status", "ok"))["errors"] == 0


async def test_an_unreadable_file_is_reported(tmp_path: Path) -> None:
    """A dangling link, in an overlay too."""
    at, over = folder(tmp_path / "orders", version("a")), folder(tmp_path / "over", {"more.yaml": "format: 1\n"})
    async with mock(ContractFiles(at, (over,)), watch=0.01) as one:
        (over / "more.yaml").unlink()
        (over / "more.yaml").symlink_to("../nowhere.yaml")
        await one.health("status", "failed")
        reload = await one.admin("GET", "/reload")
        assert (reload["status"], reload["errors"][0]["at"]) == ("failed", f"{over}/more.yaml:1:1")
        (tmp_path / "nowhere.yaml").write_text("format: 1\nassumptions: {new-point: Something.}\n")
        await one.health("contract", hash_of(one.files))


def test_files_that_are_not_loaded_are_no_change(tmp_path: Path) -> None:
    """Dot-files, other endings and copies of editors."""
    at = folder(tmp_path / "orders", version("a"))
    (at / "scenarios").mkdir()
    (at / "order.yaml").rename(at / "scenarios" / "order.yaml")
    files = ContractFiles(at)
    seen = [files.fingerprint()]
    for name in (".order.yaml.swp", "order.yaml~", "README.md"):
        (at / name).write_text("x")
        assert files.fingerprint() == seen[0]
    for name in ("scenarios/order.yaml", "misplaced.yaml"):
        (at / name).write_text("format: 1\n")
        seen.append(files.fingerprint())
    assert len(set(seen)) == len(seen)
    assert ContractFiles().fingerprint() == ContractFiles().fingerprint() != files.fingerprint()


class Scripted(ContractFiles):
    """Files of which each look sees the next word; they are never what they were as long as it changes."""

    def script(self, words: Iterator[str]) -> "Scripted":
        """What the looks see."""
        object.__setattr__(self, "words", words)
        object.__setattr__(self, "loads", [])
        return self

    def fingerprint(self) -> str:
        """The next word; the last one for ever."""
        word = next(self.words, "end")  # type: ignore[attr-defined]
        return str(word)

    def load(self) -> Contract:
        """Count it."""
        self.loads.append(1)  # type: ignore[attr-defined]
        return super().load()


async def test_a_change_is_loaded_once_files_are_stable(tmp_path: Path) -> None:
    """For two polls."""
    at = folder(tmp_path / "orders", version("a"))
    seen: list[str] = []

    def words() -> Iterator[str]:
        for word in ("known", "w1", "w2", "w3", "w4", "end", "end"):
            seen.append(word)
            yield word

    files = Scripted(at).script(words())
    async with mock(files, watch=0.001) as one:
        await one.health("contract", hash_of(ContractFiles(folder(at, version("b")))))
        assert seen == ["known", "w1", "w2", "w3", "w4", "end", "end"]
        assert len(files.loads) == 2  # type: ignore[attr-defined]  # at the start, and once


async def test_files_that_change_during_a_load_are_loaded_again(tmp_path: Path) -> None:
    """A few times; then the load fails."""
    at = folder(tmp_path / "orders", version("a"))
    files = Scripted(at).script(iter(("known", "1", "2", "3", "3", *map(str, range(10, 100)))))
    async with mock(files) as one:
        await one.admin("POST", "/reload")
        assert len(files.loads) == 3  # type: ignore[attr-defined]
        shown = problem(json.dumps(await one.admin("POST", "/reload", status=409)))
        assert shown["detail"] == "the files change while they are read; the contract stays as it was."


class Slow(ContractFiles):
    """Files that take as long to load as somebody wants, or cannot be loaded at all."""

    def prepare(self, gate: threading.Event) -> "Slow":
        """Wait at this gate."""
        object.__setattr__(self, "gate", gate)
        return self

    def load(self) -> Contract:
        """Wait first."""
        if not self.gate.wait(PATIENCE):  # type: ignore[attr-defined]
            raise RuntimeError
        return super().load()


async def test_requests_are_answered_during_a_load(tmp_path: Path) -> None:
    """From the old contract."""
    gate = threading.Event()
    gate.set()
    files = Slow(folder(tmp_path / "orders", version("a"))).prepare(gate)
    async with mock(files) as one:
        gate.clear()
        task = asyncio.create_task(one.load(version("b")))
        for _ in range(20):
            assert (await one.ask("X"))[1]["envelope"] == "a"
        assert not task.done()
        gate.set()
        await task
        assert (await one.ask("X"))[1]["envelope"] == "b"


async def test_an_error_in_loading_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server goes on."""

    def fails(_: ContractFiles) -> Contract:
        raise RuntimeError

    def fails_too(*_: object) -> tuple[str, ...]:
        raise KeyError

    async with mock(ContractFiles(folder(tmp_path / "orders", version("a")))) as one:
        with monkeypatch.context() as patch:
            patch.setattr(ContractFiles, "load", fails)
            shown = await one.load(version("b"), status=409)
            assert "RuntimeError" in shown["detail"]
        with monkeypatch.context() as patch:
            patch.setattr(reloading, "serve", fails_too)
            assert "KeyError" in (await one.load(version("b"), status=409))["detail"]
        assert (await one.ask("X"))[1]["envelope"] == "a"
        await one.load(version("b"))
        assert (await one.ask("X"))[1]["envelope"] == "b"


async def test_an_error_in_the_loading_thread_is_raised() -> None:
    """The waiting caller gets it."""

    def fails() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await asyncio.wait_for(run_in_thread(fails), PATIENCE)


# -- asked for -----------------------------------------------------------------------------------------


async def test_reload_loads_on_request(orders: Mock) -> None:
    """200 with the hash; 409 with all errors, and nothing is changed."""
    done = await orders.load(version("b"))
    assert done == {"status": "reloaded", "contract": hash_of(orders.files), "notes": []}
    shown = await orders.load(version("c", bad="order.yaml"), status=409)
    at = orders.files.folder
    assert shown["type"].endswith(":bad-contract")
    assert shown["detail"].startswith(f"{at}/order.yaml:28:3: two equal ids")
    assert {error["at"].rpartition("/")[2].partition(":")[0] for error in shown["errors"]} == {"order.yaml"}
    assert (await orders.ask("ONLY"))[0] == "only-b"
    assert [bool(reload.errors) for reload in orders.told] == [False, True]


async def test_a_contract_in_memory_cannot_be_reloaded(url: str, client: aiohttp.ClientSession) -> None:
    """Reload says so; health says nothing of loading."""
    async with client.post(f"{url}/__admin/reload") as response:
        assert (response.status, problem(await response.read())["type"]) == (409, "urn:mockserver:problem:no-files")
    async with client.get(f"{url}/__admin/health") as response:
        assert "reload" not in await response.json()
    async with client.get(f"{url}/__admin/reload") as response:
        assert await response.json() == {"status": "none", "errors": [], "notes": []}


# -- what sandboxes have --------------------------------------------------------------------------------


async def test_records_stay_and_new_ids_do_not_repeat(orders: Mock) -> None:
    """Also where ids begin lower than before, and under `then` of the new contract."""
    numbers = [(await orders.ask(f"T{i}"))[1]["number"] for i in range(1, 5)]
    await orders.load(version("b", first=90))
    assert await orders.ask("T1") == ("again", {"envelope": "b", "answer": {"again": "b"}, "number": "104"})
    numbers += [(await orders.ask(f"T{i}"))[1]["number"] for i in range(5, 20)]
    await orders.load(version("a", first=200))
    numbers.append((await orders.ask("T20"))[1]["number"])
    assert len(set(numbers)) == len(numbers)
    assert (await orders.ask("T1", "new"))[1]["number"].endswith("200")


OTHER = "  others: {members: {n: {type: integer}}}"


async def test_records_of_a_removed_collection_are_kept(orders: Mock) -> None:
    """In no snapshot; a reset drops them."""
    await orders.load(version("b", OTHER))
    await orders.admin("PUT", "/state/others/k", {"n": 1})
    await orders.admin("PUT", "/state/others/k", {"n": 2}, sandbox="t")
    await orders.load(version("b"))
    assert await orders.admin("GET", "/state/others", status=404)
    assert "others" not in (await orders.admin("GET", "/state"))["records"]
    await orders.admin("POST", "/reset", sandbox="t")
    await orders.load(version("b", OTHER))
    assert (await orders.admin("GET", "/state/others/k"))["members"] == {"n": 1}
    assert (await orders.admin("GET", "/state/others", sandbox="t"))["records"] == []


async def test_records_that_no_longer_fit_are_kept(orders: Mock) -> None:
    """A text becomes the first item of a list that is added to."""
    await orders.load(version("b", "  labels: {members: {names: {type: string}}}"))
    await orders.admin("PUT", "/state/labels/k", {"names": "first"})
    files = version("c", "  labels: {open: true, members: {names: {type: array}}}")
    files["orders.yaml"] = files["orders.yaml"].replace(
        "key: body.thing}", "key: body.thing}, label: {in: labels, key: body.label}", 1
    )
    files["order.yaml"] = files["order.yaml"].replace(
        "{state: taken}}", "{state: taken}, label: {names: {add: second}}}"
    )
    await orders.load(files)
    assert (await orders.admin("GET", "/state/labels/k"))["members"] == {"names": "first"}
    async with orders.client.post(f"{orders.url}/order", json={"thing": "T1", "label": "k"}) as response:
        assert response.status == 200
    assert (await orders.admin("GET", "/state/labels/k"))["members"] == {"names": ["first", "second"]}


async def test_keys_are_folded_when_lookups_begin_to_fold(orders: Mock) -> None:
    """Where two keys become one, none is lost."""
    for key, state in (("Tx", "taken"), ("TX", "free"), ("ty", "free"), ("TY", "taken")):
        await orders.admin("PUT", f"/state/things/{key}", {"state": state})
    await orders.admin("PUT", "/state/things/TNONE", "null")
    files = version("b")
    files["orders.yaml"] = files["orders.yaml"].replace("key: body.thing}", "key: body.thing, fold: lower}")
    await orders.load(files)
    records = (await orders.admin("GET", "/state"))["records"]["things"]
    assert {key: one["members"] and one["members"]["state"] for key, one in records.items()} == {
        "tx": "taken", "TX": "free", "ty": "free", "TY": "taken", "tnone": None,
    }  # fmt: skip
    assert (await orders.ask("TX"))[0] == "again"


async def test_armed_outcomes_answer_from_the_new_contract(orders: Mock) -> None:
    """Conditions are compiled again; counts stay."""
    await orders.admin("POST", "/arm", {"scenario": "again", "times": 3, "when": {"body.thing": "Z"}}, 201)
    await orders.admin("POST", "/arm", {"fault": "empty", "when": {"body.thing": "F"}}, 201)
    assert (await orders.ask("Z"))[1]["answer"] == {"again": "a"}
    assert (await orders.load(version("b")))["notes"] == []
    assert (await orders.ask("Z"))[1]["answer"] == {"again": "b"}
    armed = (await orders.admin("GET", "/armed"))["armed"]
    assert [(one["id"], one["left"], one["used"]) for one in armed] == [(1, 1, 2), (2, 1, 0)]


async def test_an_armed_outcome_without_its_scenario_is_dropped(orders: Mock) -> None:
    """The answer, health and the log say so."""
    await orders.load(version("a", OTHER))
    for spec in (
        {"scenario": "only-a"},
        {"responses": [{"scenario": "other"}, {"scenario": "only-a"}]},
        {"scenario": "other", "times": "always"},
    ):
        await orders.admin("POST", "/arm", spec, 201)
    notes = (await orders.load(version("b")))["notes"]
    assert notes == [f"the default sandbox: #{n} is armed no more: there is no scenario only-a" for n in (1, 2)]
    assert (await orders.admin("GET", "/health"))["reload"]["notes"] == len(notes)
    assert (await orders.admin("GET", "/reload"))["notes"] == notes == list(orders.told[-1].notes)
    assert [one["id"] for one in (await orders.admin("GET", "/armed"))["armed"]] == [3]


async def test_an_armed_outcome_whose_conditions_no_longer_compile_is_dropped(orders: Mock) -> None:
    """They name a removed member."""
    await orders.admin("POST", "/arm", {"scenario": "other", "when": {"thing.tags": "present"}}, 201, "s")
    files = {name: text.replace(", tags: {type: array}", "") for name, text in version("b").items()}
    (note,) = (await orders.load(files))["notes"]
    assert note.startswith("sandbox s: #1 is armed no more: ")
    assert "tags" in note


async def test_run_time_scenarios_survive_a_reload(orders: Mock) -> None:
    """They are compiled again; one that no longer compiles is dropped, and listed."""
    own = "documented: Own\nwhen: {body.thing: OWN}\nrespond: {plain: {own: x}}\n"
    await orders.admin("PUT", "/scenarios/own", own, 201)
    tagged = "documented: Own\nwhen: {thing.tags: present}\nrespond: {plain: {own: x}}\n"
    await orders.admin("PUT", "/scenarios/tagged", tagged, 201)
    await orders.admin("POST", "/arm", {"scenario": "own", "when": {"body.thing": "ARM"}}, 201)
    files = {name: text.replace(", tags: {type: array}", "") for name, text in version("b").items()}
    (note,) = (await orders.load(files))["notes"]
    assert note.startswith("the default sandbox: run-time scenario tagged is taken out: request body:2:")
    assert await orders.ask("OWN") == ("own", {"envelope": "b", "answer": {"own": "x"}, "number": "100"})
    assert (await orders.ask("ARM"))[0] == "own"
    rows = (await orders.admin("GET", "/scenarios"))["scenarios"]
    assert [row["scenario"] for row in rows if row["run_time"]] == ["own"]
    await orders.admin("DELETE", "/scenarios/own")
    assert (await orders.load(version("a")))["notes"] == []
    assert (await orders.ask("OWN"))[0] == "other"


async def test_a_run_time_scenario_cannot_become_the_final_one(orders: Mock) -> None:
    """With conditions it would leave requests unanswered."""
    own = "documented: Own\nwhen: {body.thing: OWN}\nrespond: {plain: {own: x}}\n"
    await orders.admin("PUT", "/scenarios/last", own, 201)
    files = {name: text.replace("scenario: other", "scenario: last") for name, text in version("b").items()}
    (note,) = (await orders.load(files))["notes"]
    assert "last is the final scenario now" in note
    assert (await orders.ask("X"))[0] == "last"


async def test_a_removed_operation_drops_its_armed_outcomes_and_scenarios(orders: Mock) -> None:
    """They are listed."""
    own = "documented: Own\nwhen: {body.thing: OWN}\nrespond: {plain: {own: x}}\n"
    await orders.admin("PUT", "/scenarios/own", own, 201)
    await orders.admin("POST", "/arm", {"fault": "empty", "times": 2, "when": {"body.thing": "F"}}, 201)
    await orders.ask("SERIES")
    files = {
        name: text.replace("order:", "sale:").replace("n: order", "n: sale") for name, text in version("b").items()
    }
    notes = (await orders.load(files))["notes"]
    assert [note.partition(": ")[2] for note in notes] == [
        "run-time scenario own is taken out: there is no operation order",
        "#1 is armed no more: there is no operation order",
    ]
    assert (await orders.ask("SERIES"))[1]["answer"] == "one b"


async def test_turns_survive_a_reload(orders: Mock) -> None:
    """A series of the same structure keeps its place."""
    assert (await orders.ask("SERIES"))[1]["answer"] == "one a"
    await orders.load(version("b"))
    assert (await orders.ask("SERIES"))[1]["answer"] == "two b"
    files = {name: text.replace("one a}", "one a}\n    times: 2") for name, text in version("a").items()}
    await orders.load(files)
    assert [(await orders.ask("SERIES"))[1]["answer"] for _ in range(3)] == ["one a", "one a", "two a"]


async def test_turns_are_in_order_during_reloads(orders: Mock) -> None:
    """Each of two hundred requests takes the next turn, whichever contract answers it."""
    text = "documented: Turns.\nwhen: {header.x-turn: present}\nresponses:\n"
    text += "".join(f"- respond: {{plain: turn {number}}}\n" for number in range(100))
    await orders.admin("PUT", "/scenarios/turns", text, status=201)

    async def reload() -> None:
        for number in range(6):
            await orders.load(version("ba"[number % 2]))

    reloading = asyncio.create_task(reload())
    turns = [(await orders.ask("X", X_Turn="1"))[1]["answer"] for _ in range(99)]
    await reloading
    assert turns == [f"turn {number}" for number in range(99)]


async def test_settings_keep_their_precedence(tmp_path: Path) -> None:
    """PUT, then the command line, then the files."""
    at = folder(tmp_path / "orders", version("a"))
    async with mock(ContractFiles(at), overrides={"utc_offset": "+01:00"}) as one:
        await one.admin("PUT", "/settings", {"error_status": 400})
        await one.ask("T1", "free")
        more = "settings: {error_status: 422, utc_offset: '+09:00', max_depth: 9, seed: 5, journal_entries: 3}"
        await one.load(version("b", more))
        shown = await one.admin("GET", "/settings")
        assert (shown["error_status"], shown["utc_offset"], shown["max_depth"], shown["seed"]) == (400, "+01:00", 9, 0)
        assert (await one.admin("GET", "/settings", sandbox="free"))["error_status"] == 422
        assert (await one.admin("GET", "/settings", sandbox="new"))["seed"] == 5
        for _ in range(5):
            await one.ask("X")
        assert len((await one.admin("GET", "/requests"))["requests"]) == 3
        await one.admin("POST", "/reset")
        assert (await one.admin("GET", "/settings"))["error_status"] == 422


async def test_the_list_of_dropped_things_is_bounded(orders: Mock) -> None:
    """A hundred notes, and how many more."""
    for sandbox in ("a", "b"):
        for _ in range(60):
            await orders.admin("POST", "/arm", {"scenario": "only-a"}, 201, sandbox=sandbox)
    notes = (await orders.load(version("b")))["notes"]
    assert (len(notes), notes[-1]) == (101, "and 20 more")


async def test_entries_of_an_old_contract_stay_readable(orders: Mock) -> None:
    """Shown, verified and bundled with the hash of that contract."""
    before = hash_of(orders.files)
    await orders.ask("ONLY")
    files = version("b", OTHER)
    files["orders.yaml"] = files["orders.yaml"].replace(
        "key: body.thing}", "key: body.thing}, one: {in: others, key: body.n}", 1
    )
    files["order.yaml"] = files["order.yaml"].replace(
        "- scenario: series",
        "- scenario: new\n  documented: New\n  when: {one.n: 1}\n  respond: {plain: {new: b}}\n- scenario: series",
    )
    await orders.load(files)
    own = "documented: Own\nwhen: {one.n: 2}\nrespond: {plain: {own: x}}\n"
    await orders.admin("PUT", "/scenarios/own", own, 201)
    await orders.ask("ONLY")
    shown = await orders.admin("GET", "/requests/1")
    assert (shown["decision"]["scenario"], shown["reply"]["body"]["envelope"]) == ("only-a", "a")
    assert (shown["contract"], shown["contract_changed"]) == (before, True)
    assert not (await orders.admin("GET", "/requests/2"))["contract_changed"]
    hashes = [(await orders.admin("GET", f"/requests/{n}/bundle"))["entry"]["contract"] for n in (1, 2)]
    assert hashes == [before, hash_of(orders.files)]
    assert hashes[0] != hashes[1]
    claim = {"when": {"one.n": "absent", "body.thing": "ONLY"}, "count": {"exactly": 2}}
    assert (await orders.admin("POST", "/verify", claim))["holds"]
    missed = await orders.admin("POST", "/verify", {"when": {"one.n": 1}}, 409)
    assert [miss["id"] for miss in missed["misses"]] == ["1", "2"]


async def test_old_contracts_are_freed(orders: Mock) -> None:
    """The journal does not keep them; near misses use the served contract, and say so."""
    await orders.ask("ONLY")
    first = weakref.ref(orders.engine.contract.operations[0].scenarios[0].alternatives[0].conditions[0].failure)
    told = [await orders.admin("GET", "/requests/1")]
    for letter in "baba":
        await orders.load(version(letter))
        told.append(await orders.admin("GET", "/requests/1"))
    assert [shown["contract_changed"] for shown in told] == [False, True, False, True, False]
    assert [len(shown["misses"]) for shown in told] == [2] * 5
    assert all(shown["decision"]["because"] == ['body.thing is "ONLY"'] for shown in told)
    gc.collect()
    assert first() is None
    bundle = await orders.admin("GET", "/requests/1/bundle")
    assert bundle["entry"]["decision"]["scenario"]["scenario"] == "only-a"


NEVER_LOADED = """\
import sys, threading
from mockserver.cli.main import main
from mockserver.contract.loading import ContractFiles

load = ContractFiles.load

def once(files):
    ContractFiles.load = lambda _: print("loading", flush=True) or threading.Event().wait()
    return load(files)

ContractFiles.load = once
main(sys.argv[1:])
"""


def test_sigterm_does_not_wait_for_a_load(tmp_path: Path) -> None:
    """Though the files take for ever."""
    at = folder(tmp_path / "orders", version("a"))
    command = (sys.executable, "-c", NEVER_LOADED, "--port", "0", "--watch", "--contract", str(at))
    with spawned(*command) as server:
        server.started()
        folder(at, version("b"))
        server.out.wait("loading")
        assert server.post({"thing": "X"}, "/order")[0] == 200
        assert server.stop() == 0


# -- under load -----------------------------------------------------------------------------------------


async def test_reloads_under_load_lose_no_request(tmp_path: Path) -> None:
    """Every answer is of one version, on connections that last."""
    at = folder(tmp_path / "orders", version("a"))
    letters = {load(at).hash: "a", load(folder(tmp_path / "b", version("b"))).hash: "b"}
    seen, stop = Seen(), asyncio.Event()
    async with mock(ContractFiles(at)) as one:
        clients = [asyncio.create_task(keep_asking(one.url, f"c{n}", letters, seen, stop)) for n in range(4)]
        bad = ("orders.yaml", "order.yaml", "order.schema.json")
        for number in range(30):
            if number % 3 == 2:
                await one.load(version("c", bad=bad[number // 3 % 3]), status=409)
            else:
                await one.load(version("ba"[number % 3]))
        stop.set()
        await asyncio.gather(*clients)
    assert seen.wrong == []
    assert set(seen.answers) == {"a", "b"}
    assert min(seen.answers.values()) > 10
