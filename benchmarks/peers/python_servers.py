"""How are the Python servers run: r53lite itself, and the server that comes with dnslib?"""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from pathlib import Path

import r53lite
from benchmarks.peers.base import Peer, Site
from benchmarks.policies import (
    BRANCHES,
    CHECK_INTERVAL_S,
    DEAD,
    LIVE,
    MANY,
    OFFICES,
    OTHERS,
    PLACES,
    POLICY,
    REGIONS,
    TTL,
    WEIGHTS,
    client_blocks,
    client_networks,
)
from benchmarks.process import Server
from benchmarks.zones import ADDRESS

_SETTINGS = "health: {probe_networks: [127.0.0.0/8]}\nlog: {level: warning}\n"
_POLICIES = f"""\
zone: {POLICY.rstrip(".")}
records:
  - {{name: "@", type: SOA, ttl: {TTL}, values: ["ns1 hostmaster 1 7200 1800 1209600 60"]}}
  - {{name: "@", type: NS, ttl: {TTL}, values: [ns1, ns2]}}
  - {{name: ns1, type: A, ttl: {TTL}, values: [192.0.2.53]}}
  - {{name: ns2, type: A, ttl: {TTL}, values: [192.0.2.54]}}
"""
_LOCATIONS = {
    "virginia": "{country: US, subdivision: VA}",
    "usa": "{country: US}",
    "europe": "{continent: EU}",
    "elsewhere": '{country: "*"}',
}


def start_r53lite(site: Site) -> Server:
    """Start `r53lite serve`: no HTTP port, no recursion, warnings alone are logged, all else as it comes."""
    zones = site.directory / "zones"
    zones.mkdir(exist_ok=True)
    (zones / "r53lite.yaml").write_text(_SETTINGS)
    for zone in site.zones:
        if zone.path.parent != zones:  # linked, not copied; a symbolic link could lead out of the directory
            os.link(zone.path, zones / zone.path.name)
    if site.check_port is not None:
        (zones / "policy.example.yaml").write_text(_format_policies(site.check_port))
        networks = (
            f"  - {{cidr: {network}, region: {region}, country: {country}}}\n"
            for network, region, country in client_networks()
        )
        (zones / "locations.yaml").write_text("networks:\n" + "".join(networks))
    command = [str(Path(sys.executable).with_name("r53lite")), "serve", "--zones", str(zones)]
    command += ["--listen", site.endpoint, "--no-api", "--no-recursion"]
    return Server("r53lite", command, site.port, site.directory / "log")


def _format_policies(check_port: int) -> str:
    """Return the policy file: every set with a value has a check that is probed."""
    weighted = {f"w{n}": (address, f"weight: {w}") for n, (address, w) in enumerate(WEIGHTS.items())}
    spare = {"live": (LIVE[0], "weight: 60"), "dead": (DEAD, "weight: 40")}
    latency = {region: (address, f"region: {region}") for region, address in REGIONS.items()}
    text = _POLICIES
    text += _format_group("www", "weighted", weighted) + _format_group("spare", "weighted", spare)
    text += _format_group("api", "latency", latency)
    for name, addresses in (("pool", (*LIVE, DEAD)), ("many", MANY)):
        text += _format_group(name, "multivalue", {f"m{n}": (each, "") for n, each in enumerate(addresses)})
    geo = {place: (address, f"location: {_LOCATIONS[place]}") for place, address in PLACES.items()}
    text += _format_group("shop", "geolocation", geo)
    offices = {**OFFICES, "others": OTHERS}
    cidr = {office: (address, _cidr(office)) for office, address in offices.items()}
    text += _format_group("office", "cidr", cidr)
    text += _format_tree() + _format_collection()
    text += "health_checks:\n"
    for address in (*LIVE, DEAD, *MANY):
        text += f"  {_check(address)}: {{type: HTTP, ip: {address}, port: {check_port}, path: /, "
        text += f"interval: {CHECK_INTERVAL_S}, failure_threshold: 1}}\n"
    return text


def _cidr(office: str) -> str:
    location = office if office in OFFICES else '"*"'
    return f"cidr: {{collection: clients, location: {location}}}"


def _format_collection() -> str:
    blocks: dict[str, list[str]] = {office: [] for office in OFFICES}
    for block, office in client_blocks():
        blocks[office].append(str(block))
    lines = (f"    {office}: [{', '.join(found)}]\n" for office, found in blocks.items())
    return "cidr_collections:\n  clients:\n" + "".join(lines)


def _format_tree() -> str:
    """Return the groups of the tree: failover to aliases, by weight to aliases, by weight to values."""
    text = _format_group("dead-branch", "weighted", {"dead": (DEAD, "weight: 1")})
    for branch, members in BRANCHES.items():
        sets = {f"leaf{n}": (address, f"weight: {w}") for n, (address, w) in enumerate(members.items())}
        text += _format_group(branch, "weighted", sets)
    weights = {branch: f"weight: {sum(members.values())}" for branch, members in BRANCHES.items()}
    text += _format_aliases("branches", "weighted", weights)
    roles = {"dead-branch": "failover: primary", "branches": "failover: secondary"}
    return text + _format_aliases("tree", "failover", roles)


def _format_group(name: str, policy: str, sets: dict[str, tuple[str, str]]) -> str:
    text = f"  - name: {name}\n    type: A\n    ttl: {TTL}\n    policy: {policy}\n    sets:\n"
    for set_id, (address, routing) in sets.items():
        routing = f"{routing}, " if routing else ""
        text += f"      - {{id: {set_id}, {routing}values: [{address}], health_check: {_check(address)}}}\n"
    return text


def _format_aliases(name: str, policy: str, targets: dict[str, str]) -> str:
    """Return a group whose sets are aliases, each with its target's name as its id."""
    text = f"  - name: {name}\n    type: A\n    policy: {policy}\n    sets:\n"
    for target, routing in targets.items():
        alias = f"{{target: {target}, evaluate_target_health: true}}"
        text += f"      - {{id: {target}, {routing}, alias: {alias}}}\n"
    return text


def _check(address: str) -> str:
    return "check-" + address.replace(".", "-")


def start_dnslib(site: Site) -> Server:
    """Start dnslib's own server, UDP and TCP, with a resolver of ours that finds records in a dict."""
    zones = [str(zone.path) for zone in site.zones]
    command = [sys.executable, "-m", "benchmarks.peers.dnslib_server", ADDRESS, str(site.port), *zones]
    return Server("dnslib", command, site.port, site.directory / "log")


R53LITE = Peer("r53lite", sys.executable, start_r53lite, lambda: r53lite.__version__, weighs_health=True)
DNSLIB = Peer("dnslib", sys.executable, start_dnslib, lambda: version("dnslib"), is_minimal=True)
