"""Processes that tests start end with them."""

from tests.support import PATIENCE, spawned
from tests.support.tools import skip_without


def test_what_a_failed_command_started_ends_with_it() -> None:
    """Also a child that holds its output open: reading would wait for it for ever."""
    skip_without("sh")
    with spawned("sh", "-c", "sleep 3600 & echo started; exit 3") as failed:
        assert failed.process.wait(PATIENCE) == 3
    assert failed.out.rest() == ["started"]
