"""How is a message damaged? Small changes of octets, each a function of a buffer and chance.

They know as much of the format as pays: where the header and the question stand, what a pointer and a length
look like. Several are applied one after the other, so that one damage meets another.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

HEADER_BYTES = 12
MAX_GROWTH = 700  # octets that one insertion adds at most; mazes of any size come from `mazes`
_INTERESTING = (0, 1, 2, 3, 11, 12, 13, 41, 63, 64, 65, 127, 128, 191, 192, 193, 250, 251, 255)
_COUNTS = (0, 1, 2, 3, 16, 255, 256, 4096, 65535)

Mutator = Callable[[bytearray, random.Random], None]


def interesting_octets(chance: random.Random) -> bytes:
    """Return a few octets that mean something at many places: lengths, pointers, limits."""
    return bytes(chance.choices(_INTERESTING, k=chance.randrange(1, 9)))


def _place(buffer: bytearray, chance: random.Random) -> int:
    """Return an offset of the buffer: behind the header three times out of four."""
    size = len(buffer)
    if size > HEADER_BYTES and chance.random() < 0.75:
        return HEADER_BYTES + int(chance.random() * (size - HEADER_BYTES))
    return int(chance.random() * size)


def _flip_bit(buffer: bytearray, chance: random.Random) -> None:
    if buffer:
        buffer[_place(buffer, chance)] ^= 1 << int(chance.random() * 8)


def _set_octet(buffer: bytearray, chance: random.Random) -> None:
    if buffer:
        buffer[_place(buffer, chance)] = chance.getrandbits(8)


def _set_interesting(buffer: bytearray, chance: random.Random) -> None:
    if buffer:
        buffer[_place(buffer, chance)] = _INTERESTING[int(chance.random() * len(_INTERESTING))]


def _insert(buffer: bytearray, chance: random.Random) -> None:
    at = _place(buffer, chance)
    buffer[at:at] = interesting_octets(chance)


def _delete(buffer: bytearray, chance: random.Random) -> None:
    at = _place(buffer, chance)
    del buffer[at : at + 1 + int(chance.random() * 8)]


def _truncate(buffer: bytearray, chance: random.Random) -> None:
    del buffer[int(chance.random() * (len(buffer) + 1)) :]


def _extend(buffer: bytearray, chance: random.Random) -> None:
    buffer += chance.randbytes(1 + int(chance.random() ** 4 * MAX_GROWTH))


def _repeat_slice(buffer: bytearray, chance: random.Random) -> None:
    at = _place(buffer, chance)
    piece = buffer[at : at + 1 + int(chance.random() * 24)]
    buffer[at:at] = piece * (1 + int(chance.random() ** 3 * 8))


def _set_count(buffer: bytearray, chance: random.Random) -> None:
    if len(buffer) >= HEADER_BYTES:
        at = 4 + 2 * int(chance.random() * 4)
        buffer[at : at + 2] = _COUNTS[int(chance.random() * len(_COUNTS))].to_bytes(2, "big")


def _set_flags(buffer: bytearray, chance: random.Random) -> None:
    if len(buffer) >= HEADER_BYTES and chance.random() < 0.3:
        bits = chance.getrandbits(16)
        buffer[2], buffer[3] = bits >> 8 & (0x7F if chance.random() < 0.9 else 0xFF), bits & 0xFF


def _set_opcode(buffer: bytearray, chance: random.Random) -> None:
    if len(buffer) >= HEADER_BYTES and chance.random() < 0.5:
        buffer[2] = buffer[2] & 0x87 | chance.getrandbits(4) << 3


def _point(buffer: bytearray, chance: random.Random) -> None:
    """Write a compression pointer: to itself, back, forward or far away."""
    if len(buffer) < HEADER_BYTES + 2:
        return
    at = _place(buffer, chance)
    target = (at, HEADER_BYTES, at - 2, at + 2, 0, 0x3FFF, int(chance.random() * len(buffer)))
    buffer[at : at + 2] = (0xC000 | target[int(chance.random() * len(target))] & 0x3FFF).to_bytes(2, "big")


def _set_label_type(buffer: bytearray, chance: random.Random) -> None:
    """Give the length octet of one of the question's labels another type or length (RFC 1035 §4.1.4)."""
    at = HEADER_BYTES
    while at < len(buffer) and 0 < buffer[at] < 64 and chance.random() < 0.6:
        at += 1 + buffer[at]
    if at < len(buffer):
        buffer[at] = (
            buffer[at] & 0x3F | chance.getrandbits(2) << 6 if chance.random() < 0.5 else chance.getrandbits(8)
        )


def _swap_case(buffer: bytearray, chance: random.Random) -> None:
    at = _place(buffer, chance)
    buffer[at : at + 24] = buffer[at : at + 24].swapcase()


def _grow_tail(buffer: bytearray, chance: random.Random) -> None:
    """Change one of the last octets, where the lengths of an OPT record stand."""
    if len(buffer) > HEADER_BYTES:
        buffer[-1 - int(chance.random() * min(24, len(buffer) - HEADER_BYTES))] = chance.getrandbits(8)


_MUTATORS: tuple[Mutator, ...] = (
    *(
        _flip_bit,
        _set_octet,
        _set_interesting,
        _insert,
        _delete,
        _truncate,
        _extend,
        _repeat_slice,
        _set_count,
    ),
    *(_set_flags, _set_opcode, _point, _set_label_type, _swap_case, _grow_tail, _flip_bit, _set_interesting),
)


def mutate(wire: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    """Return a damaged copy; one in fifty is joined with a piece of another message first."""
    buffer = bytearray(wire)
    draw = chance.random
    if draw() < 0.02:
        other = others[int(draw() * len(others))]
        buffer[_place(buffer, chance) :] = other[int(draw() * len(other)) :]
    _MUTATORS[int(draw() * len(_MUTATORS))](buffer, chance)
    while draw() < 0.4:
        _MUTATORS[int(draw() * len(_MUTATORS))](buffer, chance)
    return bytes(buffer)
