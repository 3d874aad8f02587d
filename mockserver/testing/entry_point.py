"""The entry point of the pytest plugin, installed as `mockserver_pytest` beside the package.

A project may have a package `mockserver` of its own that hides ours: it gets a message instead of a traceback.
"""

from __future__ import annotations

import pytest

try:
    from mockserver.testing import pytest_plugin as plugin
except ImportError as error:
    if not str(error.name).startswith("mockserver"):
        raise
    raise pytest.UsageError(
        "the pytest plugin mockserver cannot be imported, as another package with the name mockserver comes first "
        f"({error}); rename it, or turn off the plugin with -p no:mockserver"
    ) from None

__all__ = ["plugin"]
