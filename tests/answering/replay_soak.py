"""`python -m tests.answering.replay_soak`: hold replayed answers equal to the clear path for a long time."""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

import click

from tests.answering.replay_cases import REQUESTS, ROUNDS, run


@click.command()
@click.option("--cases", default=100_000, show_default=True, help="How many generated queries to check.")
@click.option("--seed", type=int, help="Where to begin; drawn where it is not given.")
def main(cases: int, seed: int | None) -> None:
    """Check generated queries, each asked new, compiled and ready; exit code 1 for a difference."""
    first = random.randrange(1 << 32) if seed is None else seed
    sets = -(-cases // REQUESTS)
    click.echo(f"replay: {sets} sets of zones from seed {first}, {REQUESTS} queries each, {ROUNDS} times")
    compared = 0
    try:
        with tempfile.TemporaryDirectory(prefix="r53lite-replay-") as directory:
            for number in range(sets):
                compared += run(first + number, Path(directory))
    except AssertionError as error:
        click.echo(error)
        sys.exit(1)
    click.echo(f"replay: {sets * REQUESTS} queries, {compared} replies compared, all equal")


if __name__ == "__main__":
    main()
