"""What the answers of a mock have to show beside the checks of `schemathesis`; it loads this file by its name.

A well-formed request may well be answered with an error that the contract documents, so "valid data is accepted" does
not hold of the status. It holds of what the mock says about the request: whether JSON Schema found something wrong.
"""

from typing import Any

import schemathesis
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import TestPhase


def parts(case: Any) -> dict[Any, bool]:
    """The parts of a request that were generated, each with whether it is meant to be valid."""
    return {where: info.mode.is_positive for where, info in case.meta.components.items()} if case.meta else {}


@schemathesis.check  # type: ignore[untyped-decorator, unused-ignore]
def the_mock_tells_what_is_malformed(_: Any, response: Any, case: Any) -> None:
    """A valid body has no violation, and a body that is not valid has one; in the answers of the operation."""
    said = {name.lower(): value for name, value in response.headers.items()}
    valid = parts(case).get(ParameterLocation.BODY)
    if "mock-scenario" not in said or valid is None or case.method.upper() != case.operation.method.upper():
        return
    if valid:
        assert "mock-violations" not in said, "a body that fits the schema is called malformed"
    elif case.meta.phase.name is TestPhase.FUZZING:
        assert "mock-violations" in said, "a body that does not fit the schema is not called malformed"
