"""What is measured, with whom, and what may it cost?

A row of dnsperf work is a value: questions, options, expected response codes, the peers that can do it. The
budgets are those of the project: a ratio to one peer's figure, or a limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from benchmarks.policies import (
    CIDR,
    GEO,
    LATENCY,
    MULTIVALUE,
    MULTIVALUE_12,
    MULTIVALUE_12_ANSWERS,
    TREE,
    TREE_ANSWERS,
    WEIGHTED,
    WEIGHTED_ANSWERS,
    Drawn,
    ask_from_subnets,
    ask_one,
)
from benchmarks.zones import (
    HOT_NAMES,
    LARGE_NAMES,
    Question,
    Run,
    cold_questions,
    flood_questions,
    hot_questions,
    referral_questions,
    wildcard_questions,
)

ALL = ("NSD", "Knot", "BIND", "gdnsd", "PowerDNS")
POLICY = ("gdnsd", "PowerDNS")
NEW_NAMES_PER_S = 200_000  # more than dnsperf can send: a run of new names ends by its time


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of work.

    `stage` names the set of zones and servers it needs, `chosen` the questions compared beside a sample.
    `is_new`: no question may come twice, so dnsperf goes through its file once. `drawn`: the answers are
    drawn; their shares are checked instead of comparing each.
    """

    key: str
    work: str
    stage: str
    chosen: str
    questions: Callable[[Run], Iterable[Question]]
    codes: dict[str, float]
    peers: tuple[str, ...]
    options: tuple[str, ...] = ()
    is_new: bool = False
    drawn: Drawn | None = None
    is_edns: bool = False
    is_tcp: bool = False
    has_subnet: bool = False


_HOT_CODES = {"NOERROR": 0.9, "NXDOMAIN": 0.1}
_NOERROR = {"NOERROR": 1.0}
_NEW = ("-n", "1")


def _by_subnet(key: str, work: str, qname: str, peers: tuple[str, ...]) -> Row:
    """Return a row that asks for one name from many client subnets."""
    return Row(
        key,
        work,
        "policy",
        "policy",
        ask_from_subnets(qname),
        _NOERROR,
        peers,
        options=("-B",),
        is_edns=True,
        has_subnet=True,
    )


ROWS = (
    Row(
        "hot",
        f"hot, {HOT_NAMES:,} names, 10 % NXDOMAIN",
        "plain",
        "flat",
        hot_questions,
        _HOT_CODES,
        (*ALL, "dnslib"),
    ),
    Row(
        "edns",
        "hot with EDNS",
        "plain",
        "flat",
        hot_questions,
        _HOT_CODES,
        ALL,
        options=("-e",),
        is_edns=True,
    ),
    Row(
        "tcp",
        "hot over TCP, 8 connections",
        "plain",
        "flat",
        hot_questions,
        _HOT_CODES,
        ALL,
        options=("-m", "tcp"),
        is_tcp=True,
    ),
    Row(
        "flood",
        "NXDOMAIN flood, every name new",
        "plain",
        "flat",
        flood_questions,
        {"NXDOMAIN": 1.0},
        (*ALL, "dnslib"),
        options=_NEW,
        is_new=True,
    ),
    Row(
        "referral",
        "referral flood, every name new",
        "plain",
        "referral",
        referral_questions,
        _NOERROR,
        ALL,
        options=_NEW,
        is_new=True,
    ),
    Row(
        "wildcard",
        "wildcard flood, every name new",
        "plain",
        "wildcard",
        wildcard_questions,
        _NOERROR,
        ALL,
        options=_NEW,
        is_new=True,
    ),
    Row(
        "cold",
        f"cold, each of {LARGE_NAMES:,} names once",
        "large",
        "flat",
        cold_questions,
        _NOERROR,
        ALL,
        options=_NEW,
        is_new=True,
    ),
    Row(
        "weighted",
        "weighted 40/40/20, one name, live checks",
        "policy",
        "policy",
        ask_one(WEIGHTED),
        _NOERROR,
        POLICY,
        drawn=WEIGHTED_ANSWERS,
    ),
    Row(
        "multivalue",
        "multivalue, 4 of 5 healthy, live checks",
        "policy",
        "policy",
        ask_one(MULTIVALUE),
        _NOERROR,
        POLICY,
    ),
    Row(
        "multi12",
        "multivalue, 8 of 12 healthy, live checks",
        "policy",
        "policy",
        ask_one(MULTIVALUE_12),
        _NOERROR,
        ("PowerDNS",),
        drawn=MULTIVALUE_12_ANSWERS,
    ),
    Row(
        "tree",
        "tree: failover, weighted, weighted, live checks",
        "policy",
        "policy",
        ask_one(TREE),
        _NOERROR,
        ("gdnsd",),
        drawn=TREE_ANSWERS,
    ),
    _by_subnet("latency", "latency by client subnet, 10,000 subnets, live checks", LATENCY, POLICY),
    _by_subnet("geo", "geolocation by client subnet, 10,000 subnets, live checks", GEO, ("gdnsd",)),
    _by_subnet("cidr", "CIDR, 1,000 blocks, 10,000 client subnets, live checks", CIDR, ("gdnsd",)),
)
LOADING = ("start", "load")
RELOAD = "reload"
KEYS = (*(row.key for row in ROWS), *LOADING, RELOAD)
LOADING_PEERS = (*ALL, "dnslib")
RELOAD_PEERS = ("NSD", "Knot", "BIND")


class Base(NamedTuple):
    """What a figure is divided by: a server's figure of a row."""

    server: str
    row: str


@dataclass(frozen=True, slots=True)
class Budget:
    """What r53lite's figure of a row may be: at most `limit`, better `moonshot`, times the base where there
    is one. `unit` stands behind a limit without a base; None is no limit.
    """

    row: str
    what: str
    limit: float | None
    moonshot: float
    base: Base | None = None
    unit: str = field(default="")


BUDGETS = (
    Budget("hot", "hot", 1.3, 1.1, Base("NSD", "hot")),
    Budget("hot", "hot", None, 1.0, Base("Knot", "hot")),
    Budget("hot", "hot", 1.0, 1.0, Base("BIND", "hot")),
    Budget("hot", "hot", 1.0, 1.0, Base("PowerDNS", "hot")),
    Budget("edns", "hot with EDNS", 1.3, 1.1, Base("NSD", "edns")),
    Budget("cold", "cold", 1.5, 1.0, Base("BIND", "cold")),
    Budget("flood", "NXDOMAIN flood", 1.5, 1.0, Base("BIND", "flood")),
    Budget("referral", "referral flood", 1.5, 1.0, Base("BIND", "referral")),
    Budget("wildcard", "wildcard flood", 1.5, 1.0, Base("BIND", "wildcard")),
    Budget("weighted", "weighted", 1.5, 1.2, Base("gdnsd", "weighted")),
    Budget("multivalue", "multivalue", 1.5, 1.2, Base("gdnsd", "weighted")),
    Budget("latency", "latency by client subnet", 1.5, 1.2, Base("gdnsd", "weighted")),
    Budget("weighted", "weighted", 1.5, 1.2, Base("r53lite", "hot")),
    Budget("latency", "latency by client subnet", 1.5, 1.2, Base("r53lite", "hot")),
    Budget("geo", "geolocation by client subnet", 1.5, 1.2, Base("r53lite", "hot")),
    Budget("cidr", "CIDR with 1,000 blocks", 1.5, 1.2, Base("r53lite", "hot")),
    Budget("multi12", "multivalue of 12", 1.5, 1.2, Base("r53lite", "hot")),
    Budget("tree", "three-level tree", 1.5, 1.2, Base("r53lite", "hot")),
    Budget("load", "load 1,000,000 records", 1.5, 1.0, Base("named-checkzone", "load")),
    Budget("bytes", "memory of a record", 450, 250, unit="bytes"),
    Budget("start", "start until the first answer", 0.6, 0.25, unit="s"),
    Budget("reload lost", "queries lost in a reload", 0, 0, unit="queries"),
    Budget("reload gap", "longest gap in a reload beyond the idle run's", 40, 10, unit="ms"),
)
