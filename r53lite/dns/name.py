"""What is a domain name, and how do two names relate?

A name is its uncompressed wire form in lower case, as `bytes`: `b"\\x03www\\x07example\\x03com\\x00"`.
Length octets are below 64 and letters above, so `bytes.lower()` is the whole case folding and a length octet
never changes. Ancestors are found by jumping over labels, never by comparing ends of strings.

Carries out: RFC 1035 §2.3.4 (limits), §3.1 (wire form), §5.1 (text form and decimal escapes); RFC 4343
(case).
"""

from __future__ import annotations

from collections.abc import Iterator

from r53lite.errors import NameSyntaxError

ROOT = b"\x00"
MAX_NAME_OCTETS = 255  # RFC 1035 §2.3.4
MAX_LABEL_OCTETS = 63  # RFC 1035 §2.3.4
WILDCARD_LABEL = b"\x01*"  # RFC 4592 §2.1.1

_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_*/+~=!#%&'?^`{|}:<>,[]")


def parse_name(text: str, origin: bytes | None = None) -> bytes:
    """Turn the text form of a name into its lower-case wire form.

    Args:
        text: master-file form: `\\.` and decimal `\\DDD` escapes, a final dot makes it absolute, `@` is the
        origin. origin: wire name that relative names end in; None accepts a relative name as absolute (user
        input, `dig` style).

    Raises:
        NameSyntaxError: empty label, label over 63 octets, name over 255 octets, bad escape.

    Source: RFC 1035 §5.1, §2.3.4.
    """
    if text == "@" and origin is not None:
        return origin
    if text == ".":
        return ROOT
    if not text:
        raise NameSyntaxError("empty name")
    if "\\" not in text and text.isascii():
        labels = text.encode("ascii").split(b".")
        is_absolute = not labels[-1]
        if is_absolute:
            labels.pop()
    else:
        labels, is_absolute = _split_escaped(text)
    wire = bytearray()
    for label in labels:
        if not label:
            raise NameSyntaxError(f"empty label in name {text!r}")
        if len(label) > MAX_LABEL_OCTETS:
            raise NameSyntaxError(
                f"label of {len(label)} octets in name {text!r}; the limit is {MAX_LABEL_OCTETS}"
            )
        wire.append(len(label))
        wire += label
    wire += ROOT if is_absolute or origin is None else origin
    if len(wire) > MAX_NAME_OCTETS:
        raise NameSyntaxError(f"name {text!r} has {len(wire)} octets; the limit is {MAX_NAME_OCTETS}")
    return bytes(wire).lower()


def _split_escaped(text: str) -> tuple[list[bytes], bool]:
    """Split a name with escapes or non-ASCII text into raw labels; say whether it ends in a dot."""
    try:
        octets = text.encode("ascii")
    except UnicodeEncodeError as error:
        raise NameSyntaxError(f"name {text!r} is not ASCII; expected its Punycode form (xn--…)") from error
    labels: list[bytes] = []
    label = bytearray()
    at = 0
    while at < len(octets):
        octet = octets[at]
        at += 1
        if octet == 0x2E:
            labels.append(bytes(label))
            label.clear()
        elif octet != 0x5C:
            label.append(octet)
        elif octets[at : at + 3].isdigit() and len(octets) - at >= 3:
            value = int(octets[at : at + 3])
            if value > 255:
                raise NameSyntaxError(f"escape \\{value} in name {text!r} is over 255")
            label.append(value)
            at += 3
        elif at < len(octets) and not octets[at : at + 1].isdigit():
            label.append(octets[at])
            at += 1
        else:
            raise NameSyntaxError(
                f"bad escape in name {text!r}; expected \\DDD with three decimal digits or \\X"
            )
    is_absolute = octets.endswith(b".") and not label
    if not is_absolute:
        labels.append(bytes(label))
    return labels, is_absolute


def format_name(name: bytes) -> str:
    """Turn a wire name into absolute text with decimal escapes: `www.example.com.`, the root as `.`.

    Source: RFC 1035 §5.1.
    """
    if name == ROOT:
        return "."
    return "".join(f"{format_label(label)}." for label in labels_of(name))


def format_label(label: bytes) -> str:
    """Turn a label (without its length octet) into text, escaping what master files cannot hold."""
    return "".join(
        chr(octet) if octet in _PLAIN else f"\\{chr(octet)}" if 0x21 <= octet <= 0x7E else f"\\{octet:03d}"
        for octet in label
    )


def labels_of(name: bytes) -> Iterator[bytes]:
    """Yield the labels of a wire name from the left, without length octets and without the root."""
    at = 0
    while name[at]:
        end = at + 1 + name[at]
        yield name[at + 1 : end]
        at = end


def label_count(name: bytes) -> int:
    """Count the labels of a wire name; the root has none."""
    count = at = 0
    while name[at]:
        at += 1 + name[at]
        count += 1
    return count


def parent_of(name: bytes) -> bytes:
    """Return the name without its leftmost label. The root has no parent and must not be passed."""
    return name[1 + name[0] :]


def ancestors_of(name: bytes) -> Iterator[bytes]:
    """Yield the name itself, then each ancestor up to and including the root."""
    yield name
    at = 0
    while name[at]:
        at += 1 + name[at]
        yield name[at:]


def is_subdomain(name: bytes, ancestor: bytes) -> bool:
    """Say whether `name` equals `ancestor` or lies below it, at a label boundary (RFC 9499 §7)."""
    spare = len(name) - len(ancestor)
    if spare < 0 or not name.endswith(ancestor):
        return False
    at = 0
    while at < spare:
        at += 1 + name[at]
    return at == spare


def is_wildcard(name: bytes) -> bool:
    """Say whether the leftmost label is a single asterisk (RFC 4592 §2.1.1)."""
    return name.startswith(WILDCARD_LABEL)
