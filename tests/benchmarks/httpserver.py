"""The job as pytest-httpserver does it: `httpserver.py PORT RULES`."""

import json
import sys
import threading
from typing import Any

from job import PATH, success
from pytest_httpserver import HTTPServer, RequestMatcher
from werkzeug import Request, Response


class Customer(RequestMatcher):  # type: ignore[misc]  # the library is in another environment
    """A rule on one member, where the library's own compares whole bodies."""

    def __init__(self, customer: str) -> None:
        super().__init__(PATH, "POST")
        self.customer = customer

    def difference(self, request: Request) -> list[tuple[str, Any, Any]]:
        """Why a request does not match."""
        came = (request.get_json(silent=True) or {}).get("customer_id")
        return [] if came == self.customer else [("customer", came, self.customer)]


def respond(request: Request) -> Response:
    customer = json.loads(request.get_data())["customer_id"]
    return Response(json.dumps(success(customer)), content_type="application/json")


server = HTTPServer("127.0.0.1", int(sys.argv[1]))
for number in range(int(sys.argv[2])):
    server.expect(Customer(f"R-{number}")).respond_with_handler(respond)
server.expect_request(PATH, method="POST").respond_with_handler(respond)
server.start()
threading.Event().wait()
