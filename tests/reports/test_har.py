"""Requests as an HTTP Archive (HAR 1.2)."""

import json

import aiohttp

from tests.support import LASTING, ONCE, PATH
from tests.support.clients import get_json, post_body, send_five


async def test_requests_are_exported_as_har(url: str, client: aiohttp.ClientSession) -> None:
    """HAR 1.2, oldest first, all or the last ones."""
    await send_five(client, url)
    archive = (await get_json(client, f"{url}/__admin/requests?format=har"))["log"]
    assert (archive["version"], len(archive["entries"])) == ("1.2", 5)
    assert archive["entries"][0]["request"]["url"] == f"{url}{PATH}"
    assert json.loads(archive["entries"][0]["request"]["postData"]["text"]) == ONCE
    short = (await get_json(client, f"{url}/__admin/requests?format=har&limit=1"))["log"]
    assert [one["response"]["status"] for one in short["entries"]] == [400]
    await post_body(client, url, LASTING, Mock_Fault="gateway; status=502")
    (spoilt,) = (await get_json(client, f"{url}/__admin/requests?format=har&limit=1"))["log"]["entries"]
    assert (spoilt["response"]["status"], spoilt["response"]["content"]["text"]) == (502, "")
    assert spoilt["response"]["comment"] == "fault: gateway"
