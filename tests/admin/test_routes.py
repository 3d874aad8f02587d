"""The admin API describes itself."""

import aiohttp
from openapi_spec_validator import OpenAPIV31SpecValidator

from mockserver.admin.routes import routes


async def test_the_document_is_openapi_and_names_every_route(url: str, client: aiohttp.ClientSession) -> None:
    """It is valid OpenAPI 3.1, and its operations are the routes of the table."""
    async with client.get(f"{url}/__admin/openapi.json") as response:
        document = await response.json()
    OpenAPIV31SpecValidator(document).validate()
    named = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert named == {(route.method, route.path) for route in routes()}


def test_every_route_is_described() -> None:
    """A summary in words, and what its answers mean; every part of a path is named once."""
    for route in routes():
        assert route.summary.endswith("."), route.path
        assert route.responses, route.path
        assert all(route.responses.values())
        assert (route.body is None) or route.method in ("POST", "PUT", "PATCH"), route.path
        assert all(route.query.values()), route.path
