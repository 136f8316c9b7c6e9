"""What do our zones answer one query, in bytes? The clear path from question to sections.

`authoritative.respond` says what to answer, `wire.encode_sections` writes it. Both steps together are a
function of the query, the zones and a context (health, location, chance), which is what `compiled` explores.
Pure.
"""

from __future__ import annotations

from typing import NamedTuple

from r53lite.answering.authoritative import Options, Result, respond
from r53lite.answering.compiled import InexactError, Run
from r53lite.dns import edns, wire
from r53lite.dns.message import Query
from r53lite.routing.context import Context
from r53lite.zone.catalog import Catalog
from r53lite.zone.model import Zone


class ClearPath(NamedTuple):
    """One query and the zones that answer it.

    `zone` is the longest of the catalog's zones that holds the name. `is_recursion_available` says that
    this client may recurse: RA is set, and with RD set somebody else goes on where our zones end.
    `private_octets` are those at the front of the qname that no name may point into (`wire.encode_sections`).
    """

    catalog: Catalog
    zone: Zone
    query: Query
    options: Options
    is_recursion_available: bool
    private_octets: int

    def respond(self, context: Context) -> Result:
        """Answer from our zones."""
        query = self.query
        result = respond(self.catalog, self.zone, query.qname, query.qtype, context, self.options)
        if not self.is_recursion_available:
            return result
        return result._replace(response=result.response._replace(is_recursion_available=True))

    def run(self, limit_bytes: int, context: Context) -> Run:
        """Answer and encode, with room for an OPT record without options where the query has one.

        Raises:
            InexactError: recursion has to finish this answer, or it serves no other name of its shape.
        """
        result = self.respond(context)
        is_ours = result.referral is None and result.leaving is None
        if not is_ours and self.is_recursion_available and self.query.is_recursion_desired:
            raise InexactError
        if self.query.edns is not None:
            limit_bytes -= edns.OPT_BYTES
        encoded = wire.encode_sections(self.query, result.response, limit_bytes, self.private_octets)
        if not encoded.is_shared:
            raise InexactError
        return Run(encoded, result.response.scope_prefix_len > 0)
