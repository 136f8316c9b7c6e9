"""A published status follows the probes only after the threshold (health-checks.md §4.4)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r53lite.health.model import HealthCheck, ProbeResult
from r53lite.health.tracker import Tracker

CHECK = HealthCheck("blue", failure_threshold=3)
GOOD = ProbeResult(True, "Success: HTTP Status Code 200, OK")
BAD = ProbeResult(False, "Failure: HTTP Status Code 503, Service Unavailable")
RESULTS = st.lists(st.booleans().map(lambda is_success: GOOD if is_success else BAD), max_size=60)


def published(check: HealthCheck, results: str) -> str:
    """Feed `+` and `-` as results, return what was published after each in the same signs."""
    tracker = Tracker(check, 0.0)
    signs = ""
    for number, sign in enumerate(results):
        tracker.observe(GOOD if sign == "+" else BAD, float(number))
        signs += "+" if tracker.status.is_healthy else "-"
    return signs


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ("---", "++-"),
        ("--+--+", "++++++"),
        ("---++-+++", "++-----" + "-+"),
        ("----++++", "++----++"),
    ],
)
def test_state_flips_after_threshold_opposite_results_in_both_directions(results: str, expected: str) -> None:
    assert published(CHECK, results) == expected


def test_threshold_of_one_follows_every_result() -> None:
    assert published(replace(CHECK, failure_threshold=1), "-+--+") == "-+--+"


def test_new_check_is_healthy_and_says_that_nothing_was_probed() -> None:
    status = Tracker(CHECK, 5.0).status
    assert status == (True, "no probe has ended yet", 0, 5.0, None)


def test_new_inverted_check_is_unhealthy() -> None:
    assert not Tracker(replace(CHECK, inverted=True), 0.0).status.is_healthy


def test_inverted_check_publishes_the_opposite() -> None:
    assert published(replace(CHECK, inverted=True), "---+++") == "--+++-"


@pytest.mark.parametrize("inverted", [False, True])
def test_disabled_forces_healthy_before_inversion_whatever_is_observed(inverted: bool) -> None:
    tracker = Tracker(replace(CHECK, disabled=True, inverted=inverted), 0.0)
    assert not any(tracker.observe(BAD, float(now)) for now in range(9))
    assert tracker.status == (not inverted, "the check is disabled", 0, 0.0, None)


def test_status_tells_the_run_its_reason_and_both_times() -> None:
    tracker = Tracker(CHECK, 0.0)
    for now in (1.0, 2.0, 3.0, 4.0):
        tracker.observe(BAD, now)
    assert tracker.status == (False, BAD.reason, 4, 3.0, 4.0)
    tracker.observe(GOOD, 5.0)
    assert tracker.status == (False, GOOD.reason, 1, 3.0, 5.0)


@given(RESULTS, st.integers(1, 10), st.booleans())
def test_never_flips_faster_than_its_threshold(
    results: list[ProbeResult], threshold: int, inverted: bool
) -> None:
    check = replace(CHECK, failure_threshold=threshold, inverted=inverted)
    tracker = Tracker(check, 0.0)
    last_flip = 0
    for number, result in enumerate(results, start=1):
        before = tracker.status.is_healthy
        has_flipped = tracker.observe(result, float(number))
        assert has_flipped == (tracker.status.is_healthy != before)
        if has_flipped:
            assert number - last_flip >= threshold
            assert {other.is_success for other in results[number - threshold : number]} == {result.is_success}
            assert tracker.status.is_healthy == (result.is_success != inverted)
            last_flip = number
