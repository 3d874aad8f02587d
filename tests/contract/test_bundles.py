"""A contract as one JSON document, and back."""

import json
from pathlib import Path
from typing import Any

import pytest

from mockserver import Contract, load
from mockserver.contract.bundles import contract_bundle, load_bundle, load_bundle_file
from mockserver.contract.folders import BUNDLE_SCHEMA_FILE
from mockserver.contract.loading import ConfigError, format_validator
from tests.support import PING, folder
from tests.support.invoke import invoke


def test_a_bundle_is_the_same_contract(contract: Contract) -> None:
    """The hash, which identifies a contract by content, stays the same through JSON."""
    bundle = json.loads(json.dumps(contract_bundle(contract)))
    again = load_bundle(bundle, "bundle")
    assert again.hash == contract.hash
    assert [scenario.id for scenario in again.scenarios] == [scenario.id for scenario in contract.scenarios]
    assert format_validator(BUNDLE_SCHEMA_FILE).violations("bundle", bundle) == ()


def test_a_bundle_has_the_overlays_in_it(tmp_path: Path) -> None:
    """One document, whatever the number of layers."""
    overlay = folder(tmp_path, {"more.yaml": "format: 1\nsettings: {error_status: 422}\n"})
    layered = load(None, [overlay])
    again = load_bundle(contract_bundle(layered), "bundle")
    assert (again.hash, again.settings.error_status) == (layered.hash, 422)


def test_the_command_writes_a_bundle_that_loads(tmp_path: Path) -> None:
    """`mockserver export bundle`, of a contract of one's own."""
    own, file = folder(tmp_path / "own", PING), tmp_path / "bundle.json"
    assert invoke("export", "bundle", "--contract", str(own), "--output", str(file)).exit_code == 0
    assert load_bundle_file(file).hash == load(own).hash


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "bad JSON"),
        ("[]", "no contract bundle"),
        ('{"format": 3, "entry": {}}', "mockserver replay reads the bundle of a request"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """With its name, and what it may be."""
    file = tmp_path / "other.json"
    file.write_text(text)
    with pytest.raises(ConfigError, match=message) as error:
        load_bundle_file(file)
    assert str(error.value).startswith(str(file))


def test_what_is_wrong_in_a_bundle_has_its_part(contract: Contract) -> None:
    """A bundle that somebody changed by hand."""
    bundle: dict[str, Any] = json.loads(json.dumps(contract_bundle(contract)))
    bundle["contract"]["settings"]["error_status"] = "many"
    with pytest.raises(ConfigError, match=r"^old\.json: contract:1:1: wrong value for settings\.error_status"):
        load_bundle(bundle, "old.json")
