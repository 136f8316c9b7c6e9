"""Which servers can be compared? Their table; each is described in the module of its family."""

from __future__ import annotations

from benchmarks.peers.base import Peer, Site
from benchmarks.peers.policy_servers import GDNSD, PDNS
from benchmarks.peers.python_servers import DNSLIB, R53LITE
from benchmarks.peers.zone_servers import BIND, KNOT, NSD

OURS = R53LITE
PEERS: dict[str, Peer] = {peer.name: peer for peer in (R53LITE, NSD, KNOT, BIND, GDNSD, PDNS, DNSLIB)}

__all__ = ["OURS", "PEERS", "Peer", "Site"]
