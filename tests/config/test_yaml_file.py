"""A YAML file becomes values or faults, whatever it holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from r53lite.config.yaml_file import MAX_DEPTH, parse_yaml, read_yaml
from r53lite.errors import Fault, Faults


@pytest.mark.parametrize("text", ["a: !!timestamp x", "a: !!bool x", "a: !!int x", "a: !!float []x"])
def test_a_tag_on_a_value_that_does_not_fit_it_is_a_fault(text: str) -> None:
    faults = Faults("f")
    parse_yaml(text, faults)
    assert [fault.line for fault in faults.items] == [1]


@pytest.mark.parametrize(
    ("text", "line"),
    [("[" * 100_000, 1), ("\n{a: " * 50_000, MAX_DEPTH + 2), ("- " * (MAX_DEPTH + 2), 1)],
)
def test_deep_nesting_is_a_fault_and_no_crash(text: str, line: int) -> None:
    faults = Faults("f")
    assert parse_yaml(text, faults) is None
    assert [(fault.line, fault.reason) for fault in faults.items] == [
        (line, f"not valid YAML: nested deeper than {MAX_DEPTH} levels")
    ]


@pytest.mark.parametrize(
    ("text", "line", "character"),
    [
        ("a: \x00", 1, "U+0000"),
        ("a: 1\r\nb: \x1b[31m", 2, "U+001B"),
        ("\ufeffa: é\n# \x7f", 2, "U+007F"),
        ("\n\na: \uffff", 3, "U+FFFF"),
    ],
)
def test_a_character_that_yaml_has_not_is_a_fault_with_its_line(text: str, line: int, character: str) -> None:
    faults = Faults("f")
    assert parse_yaml(text, faults) is None
    reason = f"not valid YAML: character {character} cannot stand in a YAML file"
    assert [(fault.line, fault.reason) for fault in faults.items] == [(line, reason)]


def test_a_byte_order_mark_may_open_a_file() -> None:
    faults = Faults("f")
    assert parse_yaml("\ufeffa: 1", faults) is not None
    assert not faults.items


@pytest.mark.parametrize(
    ("octets", "line", "octet"),
    [
        ("zone: é".encode("latin-1"), 1, "0xe9"),
        ("zone: x".encode("utf-16"), 1, "0xff"),
        (b"a\nb\n\xc3(", 3, "0xc3"),
    ],
)
def test_another_encoding_is_a_fault_with_its_line(
    tmp_path: Path, octets: bytes, line: int, octet: str
) -> None:
    (tmp_path / "f").write_bytes(octets)
    faults = Faults("f")
    assert read_yaml(tmp_path / "f", faults) is None
    reason = f"cannot read: octet {octet} is not UTF-8 text"
    assert [(fault.line, fault.reason) for fault in faults.items] == [(line, reason)]


def test_a_missing_file_is_told_in_plain_words(tmp_path: Path) -> None:
    faults = Faults("f")
    assert read_yaml(tmp_path / "f", faults) is None
    assert [str(fault) for fault in faults.items] == ["f: cannot read: no such file or directory"]


@pytest.mark.parametrize(
    "text", ["a: &x [1]\nb: *x", "a: &x 1\n*x : 1", "a: &x {c: 1}\nb: {<<: *x}", "\n&x [*x]"]
)
def test_an_alias_is_refused_where_it_stands(text: str) -> None:
    faults = Faults("f")
    assert parse_yaml(text, faults) is None
    assert [str(fault) for fault in faults.items] == ["f:2: alias '*x' is not supported; write its value out"]


def test_a_message_shows_control_characters_as_escapes() -> None:
    assert str(Fault("f", 3, "bad \x7f and \x1b[31m")) == "f:3: bad \\x7f and \\x1b[31m"
