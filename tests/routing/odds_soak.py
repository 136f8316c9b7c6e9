"""`python -m tests.routing.odds_soak`: hold many generated groups and trees against their odds."""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from pathlib import Path

import click

from tests.routing.odds_cases import DRAWS, GROUPS, check_group, check_group_over_udp, make_world

GROUPS_OF_A_WORLD = 10
WORLDS_OVER_UDP = 1


@click.command()
@click.option("--groups", default=GROUPS, show_default=True, help="How many generated groups to check.")
@click.option("--draws", default=DRAWS, show_default=True, help="How often to draw from each.")
@click.option("--seed", type=int, help="Where to begin; drawn where it is not given.")
def main(groups: int, draws: int, seed: int | None) -> None:
    """Draw from generated groups, ten of them over UDP; exit code 1 where counts do not fit the odds."""
    first = random.randrange(1 << 32) if seed is None else seed
    worlds = -(-groups // GROUPS_OF_A_WORLD)
    click.echo(f"odds: {worlds * GROUPS_OF_A_WORLD} groups from seed {first}, {draws} draws each")
    with tempfile.TemporaryDirectory(prefix="r53lite-odds-") as directory:
        for number in range(worlds):
            world = make_world(first + number, Path(directory), 5, 5)
            try:
                for name in world.names:
                    check_group(world, name, first + number, draws)
                    if number < WORLDS_OVER_UDP:
                        asyncio.run(check_group_over_udp(world, name, first + number, draws))
            except AssertionError as error:
                click.echo(f"odds: --seed {first + number} --groups 1: {error}")
                sys.exit(1)
    click.echo("odds: all counts fit")


if __name__ == "__main__":
    main()
