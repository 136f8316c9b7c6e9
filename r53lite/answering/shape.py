"""Do other names get the same reply but for the name?

Two kinds of questions are answered alike for many names, so that one compiled answer serves all of them:

- *missing names*: a name that has no data of its own to give is answered by its closest encloser:
  NXDOMAIN, the wildcard's data, or the referral of the cut above. All names of the same length with the
  same closest encloser share the reply.
- *plain names*: one record of a type without names in its data, at a name with nothing else. All such
  names of the same length in one zone share what stands behind that record.

`shape_of` tells the kind without answering: it says what the names share, never what they are answered.
"Same length" makes every compression pointer the same.

Left out, because the reply depends on the whole name: below a DNAME (the target is made of it), wildcards
that are CNAMEs (the chain may come back to the name) or policy groups, and the addresses of the zone's own
name servers (they leave the additional section when they are the answer).
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

from r53lite.zone.model import Zone


class Shape(NamedTuple):
    """What a question shares with others.

    `key` tells one shape from another; where nothing is shared it is the name itself. `private_octets` at
    the front of the name are its own: no name of the reply may point into them. `record` is the answer
    record of a plain name, the only part of the sections that is its own.
    """

    key: Hashable
    is_shared: bool = False
    private_octets: int = 0
    record: bytes = b""


def shape_of(zone: Zone, qname: bytes, qtype: int) -> Shape:
    """Return the shape of a question in the zone that answers it."""
    return Shape(qname)
