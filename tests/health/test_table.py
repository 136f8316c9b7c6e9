"""The published table is immutable and its version moves exactly with what policies see."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from r53lite.health.model import HealthStatus
from r53lite.health.table import HealthTable

UP = HealthStatus(True, "Success: HTTP Status Code 200, OK", 1, 0.0, 1.0)
DOWN = HealthStatus(False, "Failure: HTTP Status Code 503", 3, 1.0, 1.0)
STATUSES = st.dictionaries(st.sampled_from("abcd"), st.sampled_from([UP, DOWN]))


def test_check_that_nobody_knows_is_healthy() -> None:
    assert HealthTable().is_healthy("nobody")


def test_status_decides() -> None:
    table = HealthTable({"up": UP, "down": DOWN})
    assert table.is_healthy("up")
    assert not table.is_healthy("down")


def test_flip_moves_the_version_and_leaves_the_old_table_as_it_was() -> None:
    before = HealthTable({"a": UP})
    after = before.with_status("a", DOWN)
    assert (before.version, before.is_healthy("a"), before.statuses) == (0, True, {"a": UP})
    assert (after.version, after.is_healthy("a"), after.statuses) == (1, False, {"a": DOWN})
    assert after.with_status("a", UP).version == 2


def test_new_reason_keeps_the_version() -> None:
    before = HealthTable({"a": DOWN})
    after = before.with_status("a", DOWN._replace(last_reason="Failure: Connection refused"))
    assert after.version == before.version
    assert after.statuses["a"].last_reason == "Failure: Connection refused"


def test_losing_an_unhealthy_check_moves_the_version_and_losing_a_healthy_one_does_not() -> None:
    table = HealthTable({"a": UP, "b": DOWN})
    assert table.with_statuses({"b": DOWN}).version == 0
    assert table.with_statuses({"a": UP}).version == 1


def test_later_changes_of_the_mapping_handed_in_do_not_show() -> None:
    statuses = {"a": UP}
    table = HealthTable(statuses)
    statuses["a"] = DOWN
    assert table.statuses == {"a": UP}


@given(STATUSES, st.sampled_from("abcd"), st.sampled_from([UP, DOWN]))
def test_one_status_replaced_equals_all_replaced(
    statuses: dict[str, HealthStatus], key: str, status: HealthStatus
) -> None:
    table = HealthTable(statuses)
    one, whole = table.with_status(key, status), table.with_statuses({**statuses, key: status})
    assert (one.version, one.statuses, one.unhealthy) == (whole.version, whole.statuses, whole.unhealthy)
