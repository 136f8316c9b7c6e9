"""What does an answer cost in the server that comes with dnslib?

Its own request handler parses and packs; only finding the records is ours, because its `ZoneResolver` walks a
list of all records for each query. Knows no delegation, wildcard or CNAME: it stands in rows that have none.

    python -m benchmarks.peers.dnslib_server ADDRESS PORT ZONE_FILE...
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from dnslib import QTYPE, RCODE, RR, DNSRecord
from dnslib.server import BaseResolver, DNSHandler, DNSServer


class DictResolver(BaseResolver):  # type: ignore[misc]  # dnslib has no type hints
    """Answer from a dict: owner and type to records; names are compared as their labels' lower-case bytes."""

    def __init__(self, files: list[str]) -> None:
        """Read master files with dnslib's own reader."""
        self._records: dict[tuple[tuple[bytes, ...], int], list[RR]] = {}
        self._owners: set[tuple[bytes, ...]] = set()
        self._soas: dict[tuple[bytes, ...], RR] = {}
        for file in files:
            for record in RR.fromZone(Path(file).read_text(encoding="ascii")):
                owner = _key(record.rname.label)
                self._owners.add(owner)
                self._records.setdefault((owner, record.rtype), []).append(record)
                if record.rtype == QTYPE.SOA:
                    self._soas[owner] = record

    def resolve(self, request: DNSRecord, _handler: DNSHandler) -> DNSRecord:
        """Return the reply: records, NODATA, NXDOMAIN or REFUSED."""
        reply = request.reply(ra=0)
        qname = _key(request.q.qname.label)
        found = self._records.get((qname, request.q.qtype))
        if found is not None:
            reply.add_answer(*found)
            return reply
        for skipped in range(len(qname) + 1):
            soa = self._soas.get(qname[skipped:])
            if soa is not None:
                reply.add_auth(RR(soa.rname, soa.rtype, ttl=soa.rdata.times[4], rdata=soa.rdata))
                reply.header.rcode = RCODE.NOERROR if qname in self._owners else RCODE.NXDOMAIN
                return reply
        reply.header.aa = 0
        reply.header.rcode = RCODE.REFUSED
        return reply


def _key(labels: tuple[bytes, ...]) -> tuple[bytes, ...]:
    return tuple(label.lower() for label in labels)


class _Silent:
    """A logger that logs nothing, without formatting a line first as dnslib's own does."""

    def __getattr__(self, _name: str) -> object:
        return lambda *_args: None


def main() -> None:
    """Serve until the process is ended."""
    address, port, *files = sys.argv[1:]
    resolver = DictResolver(files)
    for is_tcp in (False, True):
        server = DNSServer(resolver, address=address, port=int(port), tcp=is_tcp, logger=_Silent())
        server.start_thread()
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main()
