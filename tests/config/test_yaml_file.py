"""A YAML file becomes values or faults, whatever it holds."""

from __future__ import annotations

import pytest

from r53lite.config.yaml_file import MAX_DEPTH, parse_yaml
from r53lite.errors import Fault, Faults


@pytest.mark.parametrize("text", ["a: !!timestamp x", "a: !!bool x", "a: !!int x", "a: !!float []x"])
def test_a_tag_on_a_value_that_does_not_fit_it_is_a_fault(text: str) -> None:
    faults = Faults("f")
    parse_yaml(text, faults)
    assert [fault.line for fault in faults.items] == [1]


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 50_000, "- " * (MAX_DEPTH + 2)])
def test_deep_nesting_is_a_fault_and_no_crash(text: str) -> None:
    faults = Faults("f")
    assert parse_yaml(text, faults) is None
    assert [fault.reason for fault in faults.items] == [
        f"not valid YAML: nested deeper than {MAX_DEPTH} levels"
    ]


@pytest.mark.parametrize(
    "text", ["a: &x [1]\nb: *x", "a: &x 1\n*x : 1", "a: &x {c: 1}\nb: {<<: *x}", "\n&x [*x]"]
)
def test_an_alias_is_refused_where_it_stands(text: str) -> None:
    faults = Faults("f")
    assert parse_yaml(text, faults) is None
    assert [str(fault) for fault in faults.items] == ["f:2: alias '*x' is not supported; write its value out"]


def test_a_message_shows_control_characters_as_escapes() -> None:
    assert str(Fault("f", 3, "bad \x7f and \x1b[31m")) == "f:3: bad \\x7f and \\x1b[31m"
