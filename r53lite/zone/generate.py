"""Which records does a $GENERATE line stand for?

`$GENERATE start-stop[/step] owner [TTL] [class] type rdata` writes one record for each number of the range.
In owner and rdata `$` stands for the number, `${offset,width,base}` for the number plus an offset, filled
with zeros, in base d, o, x or X; n and N give hexadecimal digits from the last to the first with dots
between, as in reverse zones, and count the dots in the width. `$$` and `\\$` are a dollar.

Source: BIND 9's reference manual, "BIND Primary File Extension: the $GENERATE Directive"; NSD and Knot have
no such directive. The limits are our choice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

MAX_RECORDS_PER_LINE = 65536
MAX_RECORDS_PER_ZONE = 1 << 20
_MAX_NUMBER = 0x7FFFFFFF
_MAX_WIDTH = 255

_RANGE = re.compile(r"([0-9]{1,10})-([0-9]{1,10})(?:/([0-9]{1,10}))?")
_PIECE = re.compile(r"\\.|\$\$|\$\{[^}]*\}|\$\{?|[^\\$]+", re.DOTALL)
_MODIFIER = re.compile(r"\$\{([+-]?[0-9]{1,10})(?:,([0-9]{1,3})(?:,([doxXnN]))?)?\}")


def expand(values: Sequence[str]) -> Iterator[list[str]]:
    """Yield the fields of each record, the owner first.

    Args:
        values: the fields behind `$GENERATE`.

    Raises:
        ValueError: not a range, more records than allowed, a modifier that is none, or a negative number.
    """
    if len(values) < 4:
        reason = "expected a range, owner, type and rdata"
        raise ValueError(f"directive $GENERATE has {len(values)} values; {reason}")
    numbers = _parse_range(values[0])
    if len(numbers) > MAX_RECORDS_PER_LINE:
        raise ValueError(
            f"range {values[0]!r} stands for {len(numbers)} records; the limit is {MAX_RECORDS_PER_LINE}"
        )
    templates = [_PIECE.findall(value) for value in values[1:]]
    for number in numbers:
        yield ["".join([_replace(piece, number) for piece in template]) for template in templates]


def _parse_range(text: str) -> range:
    match = _RANGE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a range; expected start-stop or start-stop/step")
    start, stop, step = int(match[1]), int(match[2]), int(match[3] or 1)
    if start > stop or step < 1 or stop > _MAX_NUMBER:
        raise ValueError(f"range {text!r} is not one; expected start <= stop <= {_MAX_NUMBER} and step >= 1")
    return range(start, stop + 1, step)


def _replace(piece: str, number: int) -> str:
    """Return what a piece of a template stands for."""
    if piece in ("$$", "\\$"):
        return "$"
    if piece == "$":
        return str(number)
    if not piece.startswith("$"):
        return piece
    match = _MODIFIER.fullmatch(piece)
    if match is None or int(match[2] or 0) > _MAX_WIDTH:
        raise ValueError(
            f"{piece!r} is not a modifier; expected ${{offset,width,base}} with width up to {_MAX_WIDTH} "
            "and base d, o, x, X, n or N"
        )
    number += int(match[1])
    if number < 0:
        raise ValueError(f"{piece!r} gives the negative number {number}")
    width, base = int(match[2] or 0), match[3] or "d"
    return _nibbles(number, width, base) if base in "nN" else f"{number:0{width}{base}}"


def _nibbles(number: int, width: int, base: str) -> str:
    """Write hexadecimal digits from the last to the first; the width counts the dots, and may end in one."""
    text = ""
    while True:
        text += f"{number & 15:{'x' if base == 'n' else 'X'}}"
        number >>= 4
        if len(text) >= width and not number:
            return text
        text += "."
        if len(text) >= width and not number:
            return text
