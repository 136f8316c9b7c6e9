"""What does the server say about itself? (class CHAOS)

Version, host name and identity, each only if the settings give it; whatever else is asked in the class is
refused. The answer is one TXT record with TTL 0, without AA and without an authority section, as NSD and
Knot write it: there is no zone behind it.

Carries out: RFC 4892 §3 (id.server, hostname.bind, version.bind); version.server is NSD's and Knot's.
"""

from __future__ import annotations

from typing import NamedTuple

from r53lite.dns import rrtypes
from r53lite.dns.message import Response
from r53lite.dns.name import parse_name
from r53lite.dns.rrset import RRset

EDE_PROHIBITED = 18  # RFC 8914 §4.19

_FIELDS = {
    parse_name("version.bind."): "version",
    parse_name("version.server."): "version",
    parse_name("hostname.bind."): "hostname",
    parse_name("id.server."): "identity",
}


class Chaos(NamedTuple):
    """The texts of the server, each of 255 octets at most; an empty one is not told."""

    version: str = ""
    hostname: str = ""
    identity: str = ""

    def respond(self, qname: bytes, qtype: int) -> Response:
        """Answer a question of class CHAOS."""
        field = _FIELDS.get(qname)
        text: str = "" if field is None else getattr(self, field)
        if not text or qtype != rrtypes.TXT:
            return Response(rrtypes.REFUSED, ede_code=EDE_PROHIBITED)
        string = text.encode()
        rdata = len(string).to_bytes(1, "big") + string
        return Response(rrtypes.NOERROR, answer=(RRset(qname, rrtypes.TXT, 0, (rdata,)),))
