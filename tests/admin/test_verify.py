"""Claims about the journal: how many requests of a kind came, in which order, and what nearly did."""

from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from mockserver import Contract, Engine
from mockserver.server import server as edge
from tests.support import BATCH, LASTING, PATH, PATIENCE

PIN = {**LASTING, "pin": "12a4"}
DIGITS, LASTS, UNKNOWN = "pin-not-digits", "activated-existing-customer", "card-missing-in-batch"


async def verified(client: aiohttp.ClientSession, url: str, claim: object, query: str = "") -> tuple[int, Any]:
    """Status and body of the answer to a claim."""
    async with client.post(f"{url}/__admin/verify{query}", json=claim) as response:
        return response.status, await response.json(content_type=None)


async def sent(client: aiohttp.ClientSession, url: str, *bodies: object) -> None:
    """Requests, one after the other."""
    for body in bodies:
        async with client.post(url + PATH, json=body, timeout=aiohttp.ClientTimeout(PATIENCE)) as response:
            await response.read()


@pytest.mark.parametrize(
    ("claim", "holds"),
    [
        ({}, True),
        ({"scenario": DIGITS}, True),
        ({"scenario": DIGITS, "count": {"exactly": 1}}, True),
        ({"scenario": LASTS, "count": {"exactly": 2}}, True),
        ({"scenario": LASTS, "count": {"at_least": 1, "at_most": 2}}, True),
        ({"scenario": LASTS, "count": {"at_most": 1}}, False),
        ({"scenario": UNKNOWN}, False),
        ({"scenario": UNKNOWN, "count": {"exactly": 0}}, True),
        ({"scenario": UNKNOWN, "count": {"at_most": 0}}, True),
        ({"when": {"body.pin": "present"}, "count": {"exactly": 1}}, True),
        ({"when": {"body.card_identifier": {"starts_with": "TEST-"}}, "count": {"exactly": 3}}, True),
        ({"when": {"body.customer_id": "nobody"}}, False),
        ({"scenario": LASTS, "when": {"violation": {"at": "body.pin"}}}, False),
        ({"operation": "activateCardForCustomer", "count": {"exactly": 3}}, True),
        ({"armed": "used"}, False),  # nothing was armed
        ([{"scenario": LASTS}, {"scenario": DIGITS}, {"scenario": LASTS}], True),
        ({"in_order": [{"scenario": DIGITS}, {"scenario": LASTS, "count": {"exactly": 1}}]}, True),
        ([{"scenario": DIGITS}, {"scenario": LASTS, "count": {"exactly": 2}}], False),
        ([{"scenario": DIGITS}, {"scenario": DIGITS}], False),
        ([{"count": {"exactly": 1}}, {"count": {"exactly": 1}}], False),
    ],
)
async def test_a_claim_holds_or_does_not(url: str, client: aiohttp.ClientSession, claim: Any, holds: bool) -> None:
    """200, or 409 with a readable problem."""
    await sent(client, url, LASTING, PIN, LASTING)
    status, shown = await verified(client, url, claim)
    assert (status, shown["holds"], shown["incomplete"]) == (200 if holds else 409, holds, False)
    assert shown["text"].startswith("holds: " if holds else "does not hold\n  expected ")
    if not holds:
        assert {"type", "title", "status", "detail", "expected", "came"} <= shown.keys()


async def test_a_failed_claim_shows_near_misses(url: str, client: aiohttp.ClientSession) -> None:
    """Member, expected, got; the nearest entry first."""
    await sent(client, url, LASTING, {**LASTING, "customer_id": "TEST-ENTERPRISE"}, PIN)
    when = {"body.customer_id": "TEST-ENTERPRISE", "body.reference_batch": "other"}
    status, shown = await verified(client, url, {"when": when})
    assert status == 409
    assert [one["id"] for one in shown["misses"]] == ["2", "1", "3"]
    conditions = 'body.customer_id is "TEST-ENTERPRISE" and body.reference_batch is "other"'
    lines = shown["text"].splitlines()
    assert lines[:4] == [
        "does not hold",
        f"  expected at least 1 request of activateCardForCustomer with {conditions}",
        "  got      0",
        "nearest misses:",
    ]
    assert lines[4].startswith(f"  #2 POST {PATH} -> ")
    assert lines[5:7] == [
        '    body.reference_batch: expected "other"',
        f'                          got      "{BATCH}"',
    ]
    _, shown = await verified(client, url + "/sandbox/a", {"scenario": DIGITS, "count": {"exactly": 2}})
    assert shown["text"].startswith("does not hold in sandbox a\n")
    _, shown = await verified(client, url, {"scenario": DIGITS, "count": {"exactly": 2}})
    assert "got      1 (#3)" in shown["text"]
    assert {"at": "scenario", "expected": DIGITS, "came": LASTS} in shown["misses"][0]["evidence"]
    _, shown = await verified(client, url, [{"scenario": LASTS}, {"scenario": DIGITS, "count": {"exactly": 2}}])
    assert "expected 2. exactly 2 requests answered by pin-not-digits" in shown["text"]
    assert "; 1 in all" in shown["text"]


@pytest.mark.parametrize(
    ("claim", "kind"),
    [
        ({"scenario": "pin-not-digit"}, "unknown-scenario"),
        ({"operation": "activate"}, "unknown-operation"),
        ({"when": {"body.pin": "1234"}}, "bad-when"),
        ({"when": {"nothing.at_all": 1}}, "bad-when"),
        ({"when": {"body.card_identifier": "4111111111111111"}, "count": {"exactly": 0}}, "bad-when"),
        ({"when": {"body.card_identifier": {"contains": "4111 1111 1111 1111"}}}, "bad-when"),
        ({"count": {"exactly": 1, "at_most": 1}}, "bad-count"),
        ({"count": {"at_least": 2, "at_most": 1}}, "bad-count"),
        ({"count": {"most": 1}}, "bad-body"),
        ({"armed": "used", "count": {"exactly": 1}}, "bad-claim"),
        ([], "bad-body"),
        ("x", "bad-body"),
    ],
)
async def test_a_misspelt_claim_is_refused(url: str, client: aiohttp.ClientSession, claim: object, kind: str) -> None:
    """It never holds."""
    status, shown = await verified(client, url, claim)
    assert (status, shown["type"].rpartition(":")[2]) == (400, kind)


@pytest.mark.parametrize(
    ("claim", "place"),
    [
        ({"scenario": LASTS, "exactly": 1}, "body.exactly: is not a member that is known here."),
        ([{"scenario": LASTS, "at_least": 1}], "body.0.at_least: is not a member that is known here."),
        ({"in_order": [{"at_most": 1}]}, "body.in_order.0.at_most: is not a member that is known here."),
        ({"count": 1}, "body.count: expected an object, got a number."),
    ],
)
async def test_a_number_in_the_wrong_place_has_a_hint(
    url: str, client: aiohttp.ClientSession, claim: object, place: str
) -> None:
    """It shows the form of a count."""
    status, shown = await verified(client, url, claim)
    how = 'How many requests: "count": {"exactly": N}, or at_least, at_most or both; at least one by default.'
    assert (status, shown["detail"]) == (400, f"{place} {how}")


async def test_unused_armed_outcomes_are_reported(url: str, client: aiohttp.ClientSession) -> None:
    """Until they are used; `always` is never left over."""
    for spec in ({"scenario": DIGITS, "times": 1}, {"scenario": DIGITS, "times": "always"}):
        async with client.post(f"{url}/__admin/arm", json=spec) as response:
            assert response.status < 300, await response.text()
    status, shown = await verified(client, url, {"armed": "used"})
    assert (status, shown["came"]) == (409, 1)
    assert "1 left" in shown["text"]
    await sent(client, url, LASTING)
    assert (await verified(client, url, {"armed": "used"}))[0] == 200


async def test_a_claim_fails_where_lost_entries_could_matter(contract: Contract, client: aiohttp.ClientSession) -> None:
    """It holds where they could not."""
    settings = replace(contract.settings, journal_entries=2)
    async with edge.serving(Engine(contract, settings=settings)) as url:
        await sent(client, url, PIN, LASTING, LASTING)
        for claim, holds, incomplete in [
            ({"scenario": LASTS}, True, False),
            ({"scenario": LASTS, "count": {"exactly": 2}}, False, True),
            ({"scenario": LASTS, "count": {"exactly": 1}}, False, False),
            ({"scenario": DIGITS}, False, True),
            ([{"scenario": LASTS}, {"scenario": LASTS}], True, False),
            ([{"scenario": LASTS, "count": {"exactly": 2}}], False, True),
            ([{"scenario": DIGITS}], False, True),
        ]:
            status, shown = await verified(client, url, claim)
            assert (shown["holds"], shown["incomplete"], status == 200) == (holds, incomplete, holds), claim
            assert ("incomplete" in shown["text"]) is incomplete


async def test_without_a_journal_no_claim_holds(contract: Contract, client: aiohttp.ClientSession) -> None:
    """Not even that nothing came."""
    settings = replace(contract.settings, journal_entries=0)
    async with edge.serving(Engine(contract, settings=settings)) as url:
        status, shown = await verified(client, url, {"count": {"exactly": 0}})
        assert (status, shown["incomplete"]) == (409, True)


async def test_no_claim_holds_of_an_evicted_sandbox(contract: Contract, client: aiohttp.ClientSession) -> None:
    """What was armed and sent may be gone."""
    settings = replace(contract.settings, max_sandboxes=1, sandbox_ttl=0)
    async with edge.serving(Engine(contract, settings=settings)) as url:
        for name, again in (("ab", False), ("a", True)):
            for one in name:
                await sent(client, f"{url}/sandbox/{one}", LASTING)
            for claim in ({"armed": "used"}, {"count": {"at_most": 9}}, {"scenario": LASTS, "count": {"exactly": 2}}):
                status, shown = await verified(client, f"{url}/sandbox/a", claim)
                assert (status, shown["incomplete"]) == (409, True), (claim, again)
            async with client.get(f"{url}/__admin/sandboxes") as response:
                there = [one["name"] for one in (await response.json())["sandboxes"]]
            assert ("a" in there) is again  # asking makes none


@pytest.mark.parametrize("claim", [{"scenario": ""}, {"operation": ""}, [{"scenario": ""}], [], {"in_order": []}])
async def test_a_claim_without_a_value_is_refused(url: str, client: aiohttp.ClientSession, claim: Any) -> None:
    """An unset variable of a shell is no claim."""
    await sent(client, url, LASTING)
    status, body = await verified(client, url, claim)
    assert (status, body["type"]) == (400, "urn:mockserver:problem:bad-body")


async def test_a_count_that_allows_any_number_is_refused(url: str, client: aiohttp.ClientSession) -> None:
    """It would hold without a look at the journal."""
    for claim in ({"count": {"at_least": 0}}, [{"scenario": LASTS}, {"count": {"at_least": 0}}]):
        status, body = await verified(client, url, claim)
        assert (status, body["type"]) == (400, "urn:mockserver:problem:bad-count")


@pytest.mark.parametrize(
    ("claim", "afterwards"),
    [({"count": {"exactly": 0}}, 200), ({"armed": "used"}, 409), ([{"count": {"at_most": 1}}], 200)],
)
async def test_no_claim_holds_of_a_sandbox_that_was_never_made(
    url: str, client: aiohttp.ClientSession, claim: Any, afterwards: int
) -> None:
    """Its name is misspelt; a reset makes it."""
    await sent(client, f"{url}/sandbox/worker-1", LASTING)
    status, body = await verified(client, f"{url}/sandbox/worker-2", claim)
    assert (status, body["type"]) == (404, "urn:mockserver:problem:unknown-sandbox")
    assert body["did_you_mean"] == ["worker-1"]
    async with client.post(f"{url}/sandbox/worker-2/__admin/reset") as response:
        assert await response.json() == {
            "status": "reset",
            "sandbox": "worker-2",
            "note": "There was no such sandbox; it was made.",
        }
    assert (await verified(client, f"{url}/sandbox/worker-2", claim))[0] == afterwards  # nothing was armed


async def test_a_claim_about_the_sandboxes_of_a_run(contract: Contract, client: aiohttp.ClientSession) -> None:
    """By their prefix, or of all; where entries of one are lost the claim is not checked, and none is an error."""
    settings = replace(contract.settings, journal_entries=3)
    async with edge.serving(Engine(contract, settings=settings)) as url:
        for name in ("ci-7-a", "ci-8-a", "ci-7-b"):
            await sent(client, f"{url}/sandbox/{name}", LASTING)
        two, of_run = {"scenario": LASTS, "count": {"exactly": 2}}, "?sandbox_prefix=ci-7-"
        status, shown = await verified(client, url, two, of_run)
        assert (status, shown["text"].partition(":")[0], shown["requests"]) == (
            200,
            "holds in sandboxes ci-7-...",
            ["1", "3"],
        )
        assert (await verified(client, url, [{"count": {"exactly": 3}}], "?all=true"))[0] == 200
        misspelt = await verified(client, url, {"count": {"exactly": 0}}, "?sandbox_prefix=ci-9-")
        assert (misspelt[0], misspelt[1]["detail"]) == (404, "No sandbox has a name that begins with ci-9-.")
        assert (await verified(client, url, {"armed": "used"}, of_run))[1]["detail"].startswith(
            "armed is a claim about"
        )
        await sent(client, f"{url}/sandbox/ci-8-a", LASTING)
        status, shown = await verified(client, url, two, of_run)
        assert (status, shown["text"].partition(" (")[0]) == (409, "does not hold in sandboxes ci-7-...")
        assert (shown["incomplete"], shown["came"]) == (True, 1)


@pytest.mark.parametrize(("count", "holds"), [(1, True), (0, False), (2, False)])
async def test_a_claim_names_the_scenario_by_its_code(
    url: str, client: aiohttp.ClientSession, count: int, holds: bool
) -> None:
    """The requests that it answered are counted, not those of a scenario with such an id."""
    async with client.post(url + PATH, json=LASTING, headers={"Mock-Scenario": "code=5001"}) as response:
        assert response.headers["Mock-Scenario"] == "provider-communication"
    claim = {"scenario": "code=5001", "count": {"exactly": count}}
    for asked in (claim, [claim] if holds else claim):
        assert (await verified(client, url, asked))[1]["holds"] is holds
