"""Generated zones: r53lite answers as NSD and Knot do, but for a short, written list of differences.

The seed is fixed, so that a failure can be repeated; `make soak` takes others, and more of them.
"""

from __future__ import annotations

import os

import pytest

from tests.differential.allowed import OPTIONAL, PEERS_DIFFER
from tests.differential.judge import allowed_list
from tests.differential.run import Tally, run
from tests.differential.shrink import shrink
from tests.differential.strategies import QUESTIONS_PER_SET, generate

SEED = int(os.environ.get("DIFFERENTIAL_SEED", "53"))
SETS = int(os.environ.get("DIFFERENTIAL_SETS", "64"))
ROOT_SETS = 3
SHOWN_KINDS = 3
SCREEN_LINES = 24


@pytest.mark.timeout(600)  # a failure is shrunk; without one it takes 10 s
def test_generated_zones_are_answered_as_nsd_and_knot_answer_them() -> None:
    print(f"seed {SEED}: {SETS} sets of zones, {QUESTIONS_PER_SET} questions each\n{allowed_list()}")
    tally = Tally()
    run([*generate(SEED, SETS - ROOT_SETS), *generate(SEED, ROOT_SETS, is_root=True)], tally)
    kinds = sorted(tally.failures.items(), key=lambda kind: -len(kind[1]))
    shown = [
        f"{len(failures)} times, {shrink(failures[0]).describe()}" for _, failures in kinds[:SHOWN_KINDS]
    ]
    assert not kinds, f"seed {SEED}: {len(kinds)} kinds of unexplained difference\n" + "\n\n".join(shown)
    assert tally.questions == SETS * QUESTIONS_PER_SET


def test_the_same_seed_makes_the_same_sets() -> None:
    assert generate(7, 5) == generate(7, 5)
    assert generate(7, 5) != generate(8, 5)


def test_every_allowed_difference_has_a_reason_and_the_list_fits_one_screen() -> None:
    assert all(rule.reason for rule in (*OPTIONAL, *PEERS_DIFFER))
    assert len(allowed_list().splitlines()) <= SCREEN_LINES
