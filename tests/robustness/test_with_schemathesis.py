"""A short, seeded share of `with_schemathesis.py`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.robustness import tools, with_schemathesis
from tests.support.tools import skip


@pytest.fixture(scope="session")
def schemathesis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of an environment that has `schemathesis`."""
    try:
        return tools.environment(tools.SCHEMATHESIS, at=tmp_path_factory.mktemp("tools"))
    except subprocess.CalledProcessError:
        skip("needs a package registry: schemathesis cannot be installed")
        raise


def test_schemathesis_finds_no_failure(schemathesis: Path, tmp_path: Path) -> None:
    """Valid and invalid data of the exported document."""
    ended = with_schemathesis.main(tmp_path, cases=30, seed=7, tools=schemathesis)
    assert ended.returncode == 0, ended.stdout[-3000:]
    assert "No issues found" in ended.stdout
