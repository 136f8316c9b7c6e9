"""Run the differential test for long: `python -m tests.differential --sets 2000`."""

from __future__ import annotations

import argparse
import random
import signal
import sys
import time

from tests.differential.judge import allowed_list
from tests.differential.run import Tally, run
from tests.differential.shrink import shrink
from tests.differential.strategies import QUESTIONS_PER_SET, generate

ROOT_SHARE = 20  # one set in twenty owns the root, and so a server start of its own
STRETCH_SETS = 200


def main() -> int:
    """Generate, judge, print; 1 where something is unexplained."""
    parser = argparse.ArgumentParser(prog="python -m tests.differential", description=__doc__)
    parser.add_argument("--sets", type=int, default=2000, help="sets of zones (default 2000)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--shrink", type=int, default=10, help="kinds of failure to shrink (default 10)")
    arguments = parser.parse_args()
    print(
        f"seed {arguments.seed}: {arguments.sets} sets of zones, {QUESTIONS_PER_SET} questions each",
        flush=True,
    )
    print(allowed_list(), flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are ended too
    tally = Tally()
    started = time.monotonic()
    for turn, start in enumerate(range(0, arguments.sets, STRETCH_SETS)):
        count = min(STRETCH_SETS, arguments.sets - start)
        roots = max(1, count // ROOT_SHARE)
        seed = arguments.seed + turn
        run([*generate(seed, count - roots), *generate(seed, roots, is_root=True)], tally)
        spent = time.monotonic() - started
        progress = f"{tally.sets} sets, {tally.questions} questions, {tally.failure_count} unexplained"
        print(f"{progress}, {spent:.0f} s (next seed {seed + 1})", flush=True)
    for name, times in tally.used.most_common():
        print(f"  allowed {times} times: {name}")
    return report(tally, arguments.shrink)


def report(tally: Tally, shrink_kinds: int) -> int:
    """Print each kind of failure with its number and a small example; return the exit code."""
    kinds = sorted(tally.failures.items(), key=lambda kind: -len(kind[1]))
    for at, (signature, failures) in enumerate(kinds):
        print(f"\n=== {len(failures)} times: {signature}")
        smallest = min(failures, key=lambda failure: failure.placed.zone_set.record_count)
        print((shrink(smallest) if at < shrink_kinds else smallest).describe(), flush=True)
    print(f"\n{len(kinds)} kinds of unexplained difference" if kinds else "\nno unexplained difference")
    return 1 if kinds else 0


if __name__ == "__main__":
    sys.exit(main())
