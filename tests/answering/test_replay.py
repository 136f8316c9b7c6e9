"""A replayed answer is the clear path's answer, byte for byte."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.answering.replay_cases import run


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 32))
def test_replayed_answers_equal_the_clear_paths(seed: int) -> None:
    """For generated zones, policies, clients, health histories and queries, with equal draws."""
    with tempfile.TemporaryDirectory() as directory:
        assert run(seed, Path(directory)) > 0
