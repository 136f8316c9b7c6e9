"""What is answered without a look at any data, ours or others'?

Carries out: RFC 6891 §6.1.3 (versions), RFC 7873 §5.2.3 (a cookie is demanded), RFC 1035 §3.2.4 (classes),
RFC 5936 §2.2.1 (transfers, of which we hand out none).
"""

from __future__ import annotations

from r53lite.answering.chaos import EDE_PROHIBITED, Chaos
from r53lite.dns import rrtypes
from r53lite.dns.message import Query, Response
from r53lite.zone.model import Zone

TRANSFERS = frozenset((rrtypes.AXFR, rrtypes.IXFR))


def answer_without_data(query: Query, zone: Zone | None, chaos: Chaos, *, is_stream: bool) -> Response | None:
    """Answer what asks for no data: a version, a class, a transfer.

    NSD, Knot and BIND refuse a transfer of a zone they have, and are NOTAUTH for any other name; NSD and Knot
    do not implement AXFR over UDP (RFC 5936 §4.2 leaves it undefined). Types that mean something only
    elsewhere in a message (OPT, TSIG, MAILA and such) are answered as types that no name has, as NSD and Knot
    do: they are no case here.

    Args:
        query: the question.
        zone: the longest of our zones that holds its name, if any.
        chaos: what is told in class CHAOS.
        is_stream: True for TCP.

    Returns:
        The response, or None for a question about data.
    """
    if query.is_cookie_demanded:
        return Response(rrtypes.BADCOOKIE)
    if query.edns is not None and query.edns.version > 0:
        return Response(rrtypes.BADVERS)
    if query.qclass == rrtypes.CLASS_CH:
        return chaos.respond(query.qname, query.qtype)
    if query.qclass not in (rrtypes.CLASS_IN, rrtypes.CLASS_ANY):
        return Response(rrtypes.REFUSED, ede_code=EDE_PROHIBITED)
    if query.qtype == rrtypes.AXFR and not is_stream:
        return Response(rrtypes.NOTIMP)
    if query.qtype in TRANSFERS:
        if zone is None or zone.origin != query.qname:
            return Response(rrtypes.NOTAUTH)
        return Response(rrtypes.REFUSED, ede_code=EDE_PROHIBITED)
    return None
