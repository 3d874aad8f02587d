"""Programs that do not come with Python."""

import os
import shutil

import pytest


def skip_without(*programs: str) -> None:
    """Skip the test where one of the programs is not installed; in CI, fail it."""
    if missing := [program for program in programs if shutil.which(program) is None]:
        skip(f"needs {', '.join(missing)}")


def skip(reason: str) -> None:
    """Skip the test; in CI, fail it, as CI has all that tests need."""
    if os.environ.get("CI"):
        pytest.fail(f"CI {reason}")
    pytest.skip(reason)
