"""What a request costs as scenarios grow: `python tests/benchmarks/growth.py [ROUNDS]`.

Three servers with 10, 1,000 and 10,000 scenarios more, all tried before the contract's own; the last one answers, and
each request is for a card of its own. The servers are asked in turn, each with nothing else running.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from contenders import mock
from measuring import Load, Process, Traffic, arguments, conditions, free_port, running
from results import Result, Target, spread, table, targets_table

COMMAND: Final = "growth.py"
SIZES: Final = (10, 1_000, 10_000)


def written_overlay(at: Path, count: int) -> Path:
    """An overlay of so many scenarios, one for each of the customers `R-0`, `R-1`, ..."""
    scenarios = "".join(
        f"- scenario: rule-{number}\n"
        f"  documented: A rule.\n"
        f"  when: {{body.customer_id: R-{number}}}\n"
        f'  respond: {{success: {{card_id: card_{number}, customer_id: "R-{number}", status: activated}}}}\n'
        for number in range(count)
    )
    at.mkdir()
    text = f"format: 1\noperation: activateCardForCustomer\nscenarios:\n{scenarios}"
    (at / "rules.yaml").write_text(text, encoding="utf-8")
    return at


def measure(python: str, rounds: int, seconds: int) -> Result:
    """Ask each server in turn, so many rounds."""
    loads: dict[int, list[Load]] = {size: [] for size in SIZES}
    servers: dict[int, Process] = {}
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for size in SIZES:
            port = free_port()
            overlay = written_overlay(place / str(size), size)
            servers[size] = stack.enter_context(running(mock(python, port, "--overlay", str(overlay)), port))
            servers[size].load(traffic(size), 1)
        for number in range(rounds):
            for size, server in servers.items():
                print(f"growth, round {number + 1}: {size}", file=sys.stderr, flush=True)
                loads[size].append(server.load(traffic(size), seconds))
    by_round = [[load.cpu for load in of_round] for of_round in zip(*loads.values(), strict=True)]
    rows = {
        f"{size:,}": [
            spread([load.cpu for load in own], 1),
            spread([load.cpu / first.cpu for load, first in zip(own, loads[SIZES[0]], strict=True)], 2),
            f"{servers[size].start:,.0f}",
        ]
        for size, own in loads.items()
    }
    within = [max(cpu) / min(cpu) for cpu in by_round]
    target = Target("10, 1,000, 10,000 scenarios: most / least CPU", 1.3, True, within, COMMAND)
    return Result(
        "As scenarios grow",
        conditions(python, f"{rounds} interleaved rounds of {seconds} s, the last scenario answering"),
        table(("scenarios", "CPU us/request", "ratio", "start ms"), rows),
        [target],
        sum(load.wrong for own in loads.values() for load in own),
    )


def traffic(size: int) -> Traffic:
    """Requests that the last scenario answers."""
    return Traffic(customer=f"R-{size - 1}", answer=f'"card_{size - 1}"')


def main() -> None:
    parser = arguments(__doc__, "rounds", 5)
    parser.add_argument("--seconds", type=int, default=3, help="of load in each round (3)")
    given = parser.parse_args()
    result = measure(given.python, given.rounds, given.seconds)
    print(result.markdown(), targets_table([result]), sep="\n")
    sys.exit(1 if result.wrong else 0)


if __name__ == "__main__":
    main()
