"""Which messages are written to cost much? Few octets that ask for many steps.

Each is one known way to make a reader do work that grows with the square of the message: chains of
compression pointers walked once per record, thousands of records or options of no octets, names of 127
labels.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from tests.fuzz.packets import ANY, OPT, TSIG, A, Request, message, opt_record, option, question

_FIXED = struct.Struct("!HHIH")
SIZES = (512, 1232, 4096, 65535)


def make_mazes(sizes: Sequence[int] = SIZES) -> list[Request]:
    """Return every kind of maze in each size."""
    makers = (_pointer_chain, _label_chain, _empty_records, _many_options, _many_opts, _deep_name)
    return [Request(maker(size), "127.0.0.1", is_stream=size > 4096) for size in sizes for maker in makers]


def _pointer_chain(size: int) -> bytes:
    """A chain of pointers in the rdata of one record, and records whose owners start at its end."""
    head = question("www.fuzz.test", A)
    base = 12 + len(head) + 1 + _FIXED.size
    hops = min((size - base) // 2 // 2, (0x3FFF - base) // 2)
    chain = b"\x00\x00" + b"".join((0xC000 | base + 2 * at).to_bytes(2, "big") for at in range(hops - 1))
    owner = (0xC000 | base + 2 * (hops - 1)).to_bytes(2, "big")
    records = (size - base - len(chain)) // 12
    body = b"\x00" + _FIXED.pack(A, 1, 0, len(chain)) + chain + (owner + _FIXED.pack(A, 1, 0, 0)) * records
    return message(0x0100, head, body, (1, 0, 0, 1 + records))


def _label_chain(size: int) -> bytes:
    """Owners of 127 labels, each label behind a pointer of its own."""
    head = question("www.fuzz.test", A)
    base = 12 + len(head) + 1 + _FIXED.size
    steps = max(1, min((size - base) // 2 // 4, 126))
    chain = b"\x01a\x00\x00" + b"".join(
        b"\x01a" + (0xC000 | base + 4 * at).to_bytes(2, "big") for at in range(steps - 1)
    )
    owner = (0xC000 | base + 4 * (steps - 1)).to_bytes(2, "big")
    records = (size - base - len(chain)) // 12
    body = b"\x00" + _FIXED.pack(A, 1, 0, len(chain)) + chain + (owner + _FIXED.pack(A, 1, 0, 0)) * records
    return message(0x0100, head, body, (1, 0, 0, 1 + records))


def _empty_records(size: int) -> bytes:
    head = question("www.fuzz.test", A)
    count = (size - 12 - len(head)) // 11
    return message(0x0100, head, (b"\x00" + _FIXED.pack(TSIG, 255, 0, 0)) * count, (1, 0, 0, count))


def _many_options(size: int) -> bytes:
    head = question("many.fuzz.test", 28)
    options = option(65001, b"") * ((size - 12 - len(head) - 11) // 4)
    return message(0x0100, head, opt_record(options), (1, 0, 0, 1))


def _many_opts(size: int) -> bytes:
    head = question("www.fuzz.test", ANY)
    count = (size - 12 - len(head)) // 11
    return message(0x0100, head, (b"\x00" + _FIXED.pack(OPT, 1232, 0, 0)) * count, (1, 0, 0, count))


def _deep_name(size: int) -> bytes:
    """A name of 126 labels below a DNAME, which grows with each step of the chain."""
    labels = b"\x01a" * (min(size, 230) // 2) + question("grow.fuzz.test", A)
    return message(0x0100, labels)
