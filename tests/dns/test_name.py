"""Names: text and wire form, limits, ancestry (RFC 1035 §2.3.4, §3.1, §5.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r53lite.dns import name as names
from r53lite.dns.name import ROOT, format_name, parse_name
from r53lite.errors import NameSyntaxError

EXAMPLE = b"\x07example\x03com\x00"


@st.composite
def wire_names(draw: st.DrawFn) -> bytes:
    """Draw a lower-case wire name of any octets."""
    labels = draw(st.lists(st.binary(min_size=1, max_size=63), max_size=6))
    wire = b""
    for label in labels:
        if len(wire) + len(label) + 2 <= names.MAX_NAME_OCTETS:
            wire += bytes((len(label),)) + label.lower()
    return wire + ROOT


@pytest.mark.parametrize(
    ("text", "origin", "wire"),
    [
        ("www.example.com.", None, b"\x03www" + EXAMPLE),
        ("WWW.Example.COM", None, b"\x03www" + EXAMPLE),
        ("www", EXAMPLE, b"\x03www" + EXAMPLE),
        ("a.b", EXAMPLE, b"\x01a\x01b" + EXAMPLE),
        ("www.", EXAMPLE, b"\x03www\x00"),
        ("@", EXAMPLE, EXAMPLE),
        ("@", None, b"\x01@\x00"),
        (".", EXAMPLE, ROOT),
        (r"a\.b.c.", None, b"\x03a.b\x01c\x00"),
        (r"a\046b.", None, b"\x03a.b\x00"),
        (r"\000\255.", None, b"\x02\x00\xff\x00"),
        (r"a\..", None, b"\x02a.\x00"),
        (r"a\.", EXAMPLE, b"\x02a." + EXAMPLE),
        (r"\065.", None, b"\x01a\x00"),
        ("*.example.com.", None, b"\x01*" + EXAMPLE),
        ("a" * 63 + ".", None, b"\x3f" + b"a" * 63 + ROOT),
    ],
)
def test_text_becomes_lower_case_wire_form(text: str, origin: bytes | None, wire: bytes) -> None:
    assert parse_name(text, origin) == wire


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty name"),
        ("a..b", "empty label"),
        (".a", "empty label"),
        ("a" * 64, "label of 64 octets"),
        (".".join(["a" * 63] * 4), "the limit is 255"),
        (r"a\25", "bad escape"),
        ("a\\", "bad escape"),
        (r"a\256.", "over 255"),
        (r"\046..", "empty label"),
        ("bücher.example", "not ASCII"),
    ],
)
def test_text_that_is_no_name_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(NameSyntaxError, match=reason):
        parse_name(text)


def test_the_origin_counts_towards_the_limit_of_255_octets() -> None:
    long_origin = parse_name(".".join(["a" * 61] * 4))
    assert len(parse_name("abcde", long_origin)) == 255
    with pytest.raises(NameSyntaxError, match="256 octets"):
        parse_name("abcdef", long_origin)


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        (ROOT, "."),
        (b"\x03www" + EXAMPLE, "www.example.com."),
        (b"\x03a.b\x00", r"a\.b."),
        (b"\x02\x00\xff\x00", r"\000\255."),
        (b"\x03a b\x00", r"a\032b."),
        (b'\x05\\"();\x00', r"\\\"\(\)\;."),
        (b"\x02$@\x00", r"\$\@."),
    ],
)
def test_wire_form_becomes_escaped_text(wire: bytes, text: str) -> None:
    assert format_name(wire) == text


@given(wire_names())
def test_formatting_and_parsing_returns_the_name(name: bytes) -> None:
    assert parse_name(format_name(name)) == name


@given(st.text(max_size=80))
def test_any_text_is_a_name_or_a_name_syntax_error(text: str) -> None:
    try:
        name = parse_name(text, EXAMPLE)
    except NameSyntaxError:
        return
    assert parse_name(format_name(name)) == name


def test_labels_and_ancestors_follow_the_length_octets() -> None:
    name = b"\x01a\x02bc\x00"
    assert list(names.labels_of(name)) == [b"a", b"bc"]
    assert names.label_count(name) == 2
    assert names.label_count(ROOT) == 0
    assert names.parent_of(name) == b"\x02bc\x00"
    assert list(names.ancestors_of(name)) == [name, b"\x02bc\x00", ROOT]


@pytest.mark.parametrize(
    ("name", "ancestor", "expected"),
    [
        ("www.example.com", "example.com", True),
        ("example.com", "example.com", True),
        ("example.com", ".", True),
        ("badexample.com", "example.com", False),
        ("com", "example.com", False),
        ("www.example.net", "example.com", False),
    ],
)
def test_a_subdomain_ends_at_a_label_boundary(name: str, ancestor: str, expected: bool) -> None:
    assert names.is_subdomain(parse_name(name), parse_name(ancestor)) is expected


def test_octets_that_look_like_a_label_boundary_are_none() -> None:
    """The label holds the very octets of the ancestor, length octet included."""
    assert not names.is_subdomain(b"\x05x\x03com\x00", b"\x03com\x00")


def test_only_a_single_asterisk_label_is_a_wildcard() -> None:
    assert names.is_wildcard(parse_name("*.example"))
    assert not names.is_wildcard(parse_name("**.example"))
    assert not names.is_wildcard(parse_name("a.*.example"))
