"""Scenarios named by the code in their answer."""

import json

from mockserver import Contract
from mockserver.core.codes import codes, has_name, is_code, near_names, own_codes, scenario_by_code, scenario_name
from mockserver.core.contract import Scenario
from mockserver.core.reply import Reply


def test_a_code_names_the_one_scenario_that_answers_with_it(contract: Contract) -> None:
    """5001, 7000 and 4433 are those of one answer each."""
    for code, name in (("5001", "provider-communication"), ("7000", "rfc-invalid"), ("4433", "card-already-activated")):
        found = scenario_by_code(f"code={code}", contract.scenarios)
        assert isinstance(found, Scenario)
        assert found.id == name
        assert has_name(found, f"code={code}")
        assert has_name(found, name)
        assert not has_name(found, code)
    assert {"code=5001", "code=4433"} <= {*own_codes(contract.scenarios)}
    assert "code=None" not in codes(contract.scenarios)
    assert codes(contract.scenarios).count("code=4400") == 1
    assert not {"code=4400", "code=None"} & {*own_codes(contract.scenarios)}
    assert [*map(scenario_name, ("5001", "code=5001", "rfc-invalid", ""))] == [
        "code=5001",
        "code=5001",
        "rfc-invalid",
        "",
    ]
    assert (is_code("code=5001"), is_code("5001")) == (True, False)
    success = next(one for one in contract.scenarios if one.id == "activated-new-customer")
    assert success.code is None
    assert not has_name(success, "code=None")
    assert not has_name(success, None)


def test_a_code_of_several_answers_lists_them_with_their_headings(contract: Contract) -> None:
    """In the order of checks."""
    reply = scenario_by_code("code=4400", contract.scenarios)
    assert isinstance(reply, Reply)
    body = json.loads(reply.body)
    assert (reply.status, reply.problem) == (400, "ambiguous-code")
    expected = [one for one in contract.scenarios if one.code == "4400"]
    assert body["outcomes"] == [{"scenario": one.id, "heading": one.heading} for one in expected]
    assert body["detail"].startswith(
        f"4400 is the code of {len(expected)} scenarios; name one of them: malformed (assumed)"
    )
    assert "reference-batch-empty (Empty reference batch.)" in body["detail"]


def test_an_unknown_code_is_answered_with_those_that_there_are(contract: Contract) -> None:
    """Each once, near spellings first."""
    reply = scenario_by_code("code=500", contract.scenarios)
    assert isinstance(reply, Reply)
    body = json.loads(reply.body)
    assert (reply.problem, body["detail"]) == ("unknown-code", "There is no 500. Did you mean 5001?")
    assert body["codes"] == ["401", "4400", "4433", "7000", "5001"]
    without_code = scenario_by_code("code=", contract.scenarios)
    assert isinstance(without_code, Reply)
    assert json.loads(without_code.body)["detail"] == "Expected a code behind code=, got none."


def test_a_code_alone_is_told_how_a_code_is_written(contract: Contract) -> None:
    """If several answers have the code, their ids."""
    assert near_names("5001", contract.scenarios) == ["code=5001"]
    assert near_names("4400", contract.scenarios) == [one.id for one in contract.scenarios if one.code == "4400"]
    assert near_names("rfc-invlid", contract.scenarios)[0] == "rfc-invalid"
    assert near_names("5002", contract.scenarios) == ()
