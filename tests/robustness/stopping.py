"""Stopped and killed under load: no request that was taken up is lost, and a restart answers soon.

`python -m tests.robustness.stopping [ROUNDS] [CLIENTS]` (20 and 32) starts the command on free ports and prints
figures. After SIGTERM each request in the server's log must have reached its client whole, and the status is 0; after
SIGKILL a start on the same port must answer within a second (in the quickest round, as other work on the machine slows
it). Exit status 1 if not.
"""

import asyncio
import statistics
import sys

from tests.support.stops import killed_and_restarted, stopped_under_load

MOST_SECONDS = 1.0


async def main(rounds: int = 20, clients: int = 32) -> int:
    """Run it; the exit status."""
    stops = [await stopped_under_load(number, clients, 0.5 + number % 5 / 5) for number in range(rounds)]
    taken, lost, cut, untaken = (sum(getattr(s, n) for s in stops) for n in ("taken", "lost", "cut", "untaken"))
    took = [stop.seconds for stop in stops]
    print(f"SIGTERM under load, {rounds} times, {clients} clients: {taken:,} requests taken up, {lost} of them lost")
    print(
        f"answers cut short: {cut}; requests sent on connections that were closed before they were taken up: {untaken}"
    )
    print(f"seconds to the end: median {statistics.median(took):.2f}, most {max(took):.2f}")
    wrong = [f"exit status {stop.status}" for stop in stops if stop.status]
    wrong += [line for stop in stops for line in stop.said]
    wrong += [f"{lost} requests lost, {cut} answers cut short"] if lost or cut else []
    starts = [await killed_and_restarted(number, clients, 0.5) for number in range(max(rounds // 2, 1))]
    first, spent = ([start[n] for start in starts] for n in (0, 1))
    print(f"SIGKILL under load and a start on the same port, {len(starts)} times: first answer after")
    print(f"{min(first):.2f} to {max(first):.2f} s, median {statistics.median(first):.2f}, of which", end=" ")
    print(f"{statistics.median(spent):.2f} s of processor time")
    wrong += [f"the quickest start took {min(first):.2f} s"] if min(first) > MOST_SECONDS else []
    print(*(f"WRONG {text}" for text in wrong), "as it must be" if not wrong else f"{len(wrong)} wrong", sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*map(int, sys.argv[1:3]))))
