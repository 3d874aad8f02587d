"""All measures in turn, as Markdown for docs/pages/explanation/performance.md: `python tests/benchmarks/report.py [ROUNDS]` (5).

Each measure is printed as soon as it is there, the table of targets at the end. Exit status 1 if an answer was wrong.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import growth
import memory
import responsiveness
import start
import success_path
from contenders import PEERS
from measuring import arguments
from results import Result, targets_table


def measures(python: str, peers: Path, rounds: int, seconds: int, requests: int) -> Iterator[Result]:
    """One after the other."""
    for kind in success_path.KINDS:
        yield success_path.measure(kind, python, peers, rounds, seconds)
    yield start.measure(python, 4 * rounds + 1)
    yield growth.measure(python, rounds, seconds)
    yield responsiveness.measure(python, rounds)
    yield memory.measure_journal(python, requests)
    yield memory.measure_records(python, requests)


def main() -> None:
    parser = arguments(__doc__, "rounds", 5)
    parser.add_argument("--seconds", type=int, default=5, help="of load in each round (5)")
    parser.add_argument("--requests", type=int, default=1_000_000, help="of the measures of memory (1,000,000)")
    parser.add_argument("--peers", type=Path, default=PEERS, help="where run.sh put the peers")
    results = []
    for result in measures(**vars(parser.parse_args())):
        print(result.markdown(), flush=True)
        results.append(result)
    print(f"### Targets\n\n{targets_table(results)}")
    sys.exit(1 if any(result.wrong for result in results) else 0)


if __name__ == "__main__":
    main()
