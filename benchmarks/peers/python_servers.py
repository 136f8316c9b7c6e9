"""How are the Python servers run: r53lite itself, and the server that comes with dnslib?"""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from pathlib import Path

import r53lite
from benchmarks.peers.base import Peer, Site
from benchmarks.policies import CHECK_INTERVAL_S, DEAD, LIVE, POLICY, REGIONS, TTL, WEIGHTS, client_networks
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
        networks = (f"  - {{cidr: {net}, region: {region}}}\n" for net, region in client_networks())
        (zones / "locations.yaml").write_text("networks:\n" + "".join(networks))
    command = [str(Path(sys.executable).with_name("r53lite")), "serve", "--zones", str(zones)]
    command += ["--listen", site.endpoint, "--no-api", "--no-recursion"]
    return Server("r53lite", command, site.port, site.directory / "log")


def _format_policies(check_port: int) -> str:
    """Return the policy file: every set has a check that is probed."""
    weighted = {f"w{n}": (address, f"weight: {w}") for n, (address, w) in enumerate(WEIGHTS.items())}
    spare = {"live": (LIVE[0], "weight: 60"), "dead": (DEAD, "weight: 40")}
    latency = {region: (address, f"region: {region}") for region, address in REGIONS.items()}
    pool = {f"m{n}": (address, "") for n, address in enumerate((*LIVE, DEAD))}
    text = _POLICIES
    text += _format_group("www", "weighted", weighted) + _format_group("spare", "weighted", spare)
    text += _format_group("api", "latency", latency) + _format_group("pool", "multivalue", pool)
    text += "health_checks:\n"
    for address in (*LIVE, DEAD):
        text += f"  {_check(address)}: {{type: HTTP, ip: {address}, port: {check_port}, path: /, "
        text += f"interval: {CHECK_INTERVAL_S}, failure_threshold: 1}}\n"
    return text


def _format_group(name: str, policy: str, sets: dict[str, tuple[str, str]]) -> str:
    text = f"  - name: {name}\n    type: A\n    ttl: {TTL}\n    policy: {policy}\n    sets:\n"
    for set_id, (address, routing) in sets.items():
        routing = f"{routing}, " if routing else ""
        text += f"      - {{id: {set_id}, {routing}values: [{address}], health_check: {_check(address)}}}\n"
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
