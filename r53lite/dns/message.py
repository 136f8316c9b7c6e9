"""What does a message say, once its bytes are understood?

`Query` is a request as the server needs it, `Response` what the server will say, `Message` a whole message
as it came from another server (resolver side). All are immutable values; `dns.wire` turns them to and from
bytes.
"""

from __future__ import annotations

from typing import NamedTuple

from r53lite.dns.edns import ClientSubnet, Edns
from r53lite.dns.rrset import RRset

QR, AA, TC, RD, RA, AD, CD = (
    0x8000,
    0x0400,
    0x0200,
    0x0100,
    0x0080,
    0x0020,
    0x0010,
)  # RFC 1035 §4.1.1, 4035 §3


class Query(NamedTuple):
    """A request with one question.

    `question` is the question section as it came (letter case kept, no pointer), `qname` its name in lower
    case. `edns` is None when the query held no OPT record. The door adds the last two:
    `reply_options`, encoded options of the reply's OPT record that depend on the client alone, and whether a
    cookie is demanded first.
    """

    message_id: int
    flags: int
    opcode: int
    question: bytes
    qname: bytes
    qtype: int
    qclass: int
    edns: Edns | None
    reply_options: bytes = b""
    is_cookie_demanded: bool = False

    @property
    def is_recursion_desired(self) -> bool:
        """Say whether the RD bit is set."""
        return bool(self.flags & RD)

    @property
    def client_subnet(self) -> ClientSubnet | None:
        """Return the query's client subnet option (RFC 7871), if it holds one."""
        return self.edns.client_subnet if self.edns else None


class Response(NamedTuple):
    """What to say to one query; built field by field from the outcome, no default of a library.

    What does not fit: an answer, a needed authority section or needed `glue` (RFC 9471) sets TC;
    `additional`, and the authority section where `is_authority_optional` (the apex NS set of a positive
    answer) with the addresses of the hosts it names, are left out instead. `scope_prefix_len` is the
    answer's scope for a query with a client subnet (RFC 7871 §7.2.1).
    """

    rcode: int
    is_authoritative: bool = False
    is_recursion_available: bool = False
    answer: tuple[RRset, ...] = ()
    authority: tuple[RRset, ...] = ()
    glue: tuple[RRset, ...] = ()
    additional: tuple[RRset, ...] = ()
    is_authority_optional: bool = False
    authority_addresses: tuple[RRset, ...] = ()
    scope_prefix_len: int = 0
    ede_code: int | None = None
    ede_text: str = ""


class Message(NamedTuple):
    """A whole message as another server sent it; records are gathered into RRsets in order of first
    appearance.
    """

    message_id: int
    flags: int
    opcode: int
    rcode: int
    qname: bytes | None
    qtype: int
    qclass: int
    answer: tuple[RRset, ...]
    authority: tuple[RRset, ...]
    additional: tuple[RRset, ...]
    edns: Edns | None

    @property
    def is_truncated(self) -> bool:
        """Say whether the TC bit is set."""
        return bool(self.flags & TC)

    @property
    def is_authoritative(self) -> bool:
        """Say whether the AA bit is set."""
        return bool(self.flags & AA)
