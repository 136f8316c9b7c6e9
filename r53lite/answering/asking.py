"""What does somebody want to know who asks for odds or for an explanation?

A question, a client and a health state, in text as they come from a command line or a URL. Everything wrong
with them is an `AskError`. Pure.

Source: our choice; the shapes are those of docs/odds.md.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import NamedTuple

from r53lite.control.snapshot import Snapshot
from r53lite.dns import rrtypes
from r53lite.dns.name import parse_name
from r53lite.dns.rrtypes import parse_rrtype
from r53lite.errors import NameSyntaxError, R53Error
from r53lite.health.model import HealthCheck, HealthStatus
from r53lite.health.table import HealthTable
from r53lite.health.tracker import DISABLED
from r53lite.routing.cidr_index import ClientPrefix
from r53lite.routing.context import ClientLocation
from r53lite.routing.locations import location_in
from r53lite.routing.places import REGIONS, unknown_region

DEFAULT_CLIENT = "127.0.0.1"
ASSUMED_HEALTHY = "assumed healthy: no server was asked"
STATED = "stated in the question"

Network = IPv4Network | IPv6Network


class AskError(R53Error, ValueError):
    """What was asked is not a question: a wrong name, type, address, region or health check."""


class NotOurNameError(R53Error):
    """No zone here holds the name."""


class Ask(NamedTuple):
    """What is asked: a name and a type, by whom, and what of the health state is stated otherwise.

    `client` is an address (a prefix of full length) or a client subnet. `region` overrides where the client
    is.
    """

    qname: bytes
    qtype: int
    client: Network
    region: str | None = None
    down: frozenset[str] = frozenset()
    up: frozenset[str] = frozenset()

    @property
    def is_subnet(self) -> bool:
        """Say whether the client is known by a prefix alone."""
        return self.client.prefixlen < self.client.max_prefixlen


def parse_ask(
    name: str,
    rrtype: str = "A",
    client: str = DEFAULT_CLIENT,
    region: str | None = None,
    down: Iterable[str] = (),
    up: Iterable[str] = (),
) -> Ask:
    """Read a question.

    Args:
        name: as `dig` takes it, a final dot may be missing.
        rrtype: one that data can have.
        client: an address, or a network with its prefix length.
        region: an AWS region in which the client is taken to be.
        down: health checks that are taken to be unhealthy; each text may hold several, with commas between.
        up: those that are taken to be healthy.

    Raises:
        AskError: the first thing that is wrong.
    """
    try:
        qname, qtype = parse_name(name), parse_rrtype(rrtype.upper())
    except (NameSyntaxError, ValueError) as error:
        raise AskError(str(error)) from error
    if qtype in rrtypes.META_TYPES or qtype == 0:
        raise AskError(f"type {rrtype!r} has no answers of its own")
    try:
        network = ip_network(client, strict=False)
    except ValueError as error:
        raise AskError(f"{client!r} is neither an IP address nor a network") from error
    if network.prefixlen == 0 or "%" in client:
        raise AskError(
            f"{client!r} does not say where a client is; expected an address, or a prefix of 1 bit up"
        )
    if region is not None and region not in REGIONS:
        raise AskError(unknown_region(region))
    stated_down, stated_up = _split(down), _split(up)
    both = stated_down & stated_up
    if both:
        raise AskError(f"health check {min(both)!r} is stated to be both down and up")
    return Ask(qname, qtype, network, region, stated_down, stated_up)


def _split(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(part.strip() for text in texts for part in text.split(",") if part.strip())


def stated_health(ask: Ask, snapshot: Snapshot, live: HealthTable | None) -> HealthTable:
    """Return the health table that holds what is stated, over what is live.

    Args:
        ask: whose `down` and `up` count.
        snapshot: whose health checks there are.
        live: the published table; None takes every check for healthy that the files do not fix otherwise.

    Raises:
        AskError: a stated check does not exist.
    """
    known = snapshot.health_checks
    for check in sorted(ask.down | ask.up):
        if check not in known:
            near = difflib.get_close_matches(check, known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise AskError(f"unknown health check {check!r}{hint}")
    if live is None:
        table = HealthTable({check: _assumed(one) for check, one in known.items()})
    else:
        table = live
    return with_checks(table, {**dict.fromkeys(ask.down, False), **dict.fromkeys(ask.up, True)})


def _assumed(check: HealthCheck) -> HealthStatus:
    """Return the status that a check has as far as files tell."""
    if check.disabled:  # health-checks.md §4.4: disabled is healthy, and may be inverted
        return HealthStatus(not check.inverted, DISABLED, 0, 0.0, None)
    return HealthStatus(True, ASSUMED_HEALTHY, 0, 0.0, None)


def is_fixed(snapshot: Snapshot, check: str) -> bool:
    """Say whether a check cannot change: it is disabled."""
    found = snapshot.health_checks.get(check)
    return found is not None and found.disabled


def with_checks(table: HealthTable, stated: Mapping[str, bool]) -> HealthTable:
    """Return a table in which some checks are as stated."""
    if not stated:
        return table
    said = {
        check: HealthStatus(is_healthy, STATED, 0, 0.0, None) for check, is_healthy in sorted(stated.items())
    }
    return table.with_statuses({**table.statuses, **said})


def locate(ask: Ask, snapshot: Snapshot) -> ClientLocation:
    """Return where the client is: in the stated region, else as the locations say."""
    client = ask.client
    located = snapshot.locations.locate(client.network_address.packed, client.prefixlen)
    return located if ask.region is None else location_in(ask.region)


def client_of(ask: Ask) -> ClientPrefix:
    """Return the client as the blocks of CIDR collections see it."""
    return ClientPrefix(ask.client.network_address.packed, ask.client.prefixlen)
