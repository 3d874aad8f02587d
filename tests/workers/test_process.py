"""The process of a server."""

import subprocess
import sys


def test_loaded_objects_are_frozen_for_the_collector() -> None:
    """Garbage collection skips them."""
    code = (
        "import asyncio, gc; from mockserver.workers import process;"
        "asyncio.run = lambda run: (run.close(), print(gc.isenabled(), gc.get_freeze_count() > 10_000));"
        "process.run_until_signal(None, None, None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True True\n"
