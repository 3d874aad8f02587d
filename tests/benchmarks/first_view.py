"""How soon the console shows its first row, and how much it sends: `python tests/benchmarks/first_view.py [LOADS]` (20).

From the browser's own start of the navigation to the first row of the journal, on loopback, median (least to most):
with nothing kept, in a new context each time, and loaded again, with the files in the browser's cache.
"""

from __future__ import annotations

import os
import statistics
import sys
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parent.parent))

from browsing import LOOK, browsing, seen_after
from support import LASTING, serving

from mockserver.admin.console_files import console

ROWS: Final = 200


def main(loads: int) -> None:
    """Load, and tell."""
    files = console()
    packed = len(files.at_root.packed) + sum(len(asset.packed) for asset in files.files.values())
    print(f"{packed / 1000:.1f} kB in {len(files.files) + 1} files, packed")
    cold: list[float] = []
    again: list[float] = []
    with serving("--log-format", "none") as serve, browsing() as browser:
        for _ in range(ROWS):
            serve.post(LASTING)
        for _ in range(loads):
            context = browser.new_context(locale="en-US")
            page = context.new_page()
            page.add_init_script(LOOK)
            page.goto(serve.url)
            cold.append(seen_after(page))
            page.reload()
            again.append(seen_after(page))
            context.close()
    for name, spent in (("nothing kept", cold), ("files kept", again)):
        print(f"{name:13} {statistics.median(spent):4.0f} ms ({min(spent):.0f} to {max(spent):.0f})")
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
