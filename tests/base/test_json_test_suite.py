"""JSONTestSuite by Nicolas Seriot (github.com/nst/JSONTestSuite, MIT): what JSON accepts, refuses, and leaves open."""

import base64
import json
from pathlib import Path

import pytest

from mockserver.base.not_json import NotJsonError
from mockserver.base.values import MAX_REQUEST_DEPTH, decode_json

CASES: dict[str, bytes] = {
    name: base64.b64decode(data)
    for name, data in json.loads(Path(__file__).with_name("json_test_suite.json").read_text()).items()
}
CASES["n_structure_100000_opening_arrays"] = b"[" * 100_000
CASES["n_structure_open_array_object"] = b'[{"":' * 50_000 + b"\n"


@pytest.mark.parametrize("verdict", "yni")
def test_each_case_has_the_verdict_of_the_suite(verdict: str) -> None:
    """`y_` is accepted, `n_` refused, `i_` either; nothing else is raised."""
    wrong = []
    cases = {name: data for name, data in CASES.items() if name.startswith(verdict + "_")}
    assert len(cases) == {"y": 95, "n": 188, "i": 35}[verdict]
    for name, data in cases.items():
        try:
            decode_json(data, MAX_REQUEST_DEPTH)
        except NotJsonError:
            wrong += [name] if verdict == "y" else []
        else:
            wrong += [name] if verdict == "n" else []
    assert wrong == []
