"""How are gdnsd and PowerDNS run, whose answers can follow weights, health and networks?

gdnsd: one UDP and one TCP thread; plugins `weighted`, `multifo` and `geoip` (networks written down, no
database) with `http_status` checks. PowerDNS: BIND backend, one receiver and one distributor thread, packet
cache and query cache as in its defaults (both on, 20 s and 60 s for negative answers); Lua records
`pickwrandom` (which knows no health), `ifportup` (which has live checks), and one that reads the client's
address.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial

from benchmarks.peers.base import Peer, Site, printed_version
from benchmarks.policies import (
    CHECK_INTERVAL_S,
    DEAD,
    LIVE,
    POLICY,
    REGIONS,
    TTL,
    WEIGHTS,
    client_networks,
)
from benchmarks.process import Server, need_program
from benchmarks.zones import ADDRESS

_APEX = f"""\
$ORIGIN {POLICY}
$TTL {TTL}
@ IN SOA ns1 hostmaster 1 7200 1800 1209600 60
@ IN NS ns1
@ IN NS ns2
ns1 IN A 192.0.2.53
ns2 IN A 192.0.2.54
"""

# --- gdnsd --------------------------------------------------------------------------------------------------

_GDNSD = """\
options => {{
  listen => [ "{address}:{port}" ]
  udp_threads => 1
  tcp_threads => 1
  run_dir => "{directory}/run"
  state_dir => "{directory}/state"
}}
"""
_GDNSD_POLICIES = """\
service_types => {{
  check => {{
    plugin => http_status
    port => {check_port}
    url_path => "/"
    interval => {interval}
    timeout => 3
  }}
}}
plugins => {{
  weighted => {{
    service_types => check
    www => {{ {weights} }}
    spare => {{ live => [ {live}, 60 ], dead => [ {dead}, 40 ] }}
  }}
  multifo => {{
    service_types => check
    pool => {{ {members} }}
  }}
  geoip => {{
    maps => {{
      clients => {{
        datacenters => [ {regions} ]
        nets => {{ {networks} }}
      }}
    }}
    resources => {{
      api => {{
        map => clients
        service_types => check
        dcmap => {{ {targets} }}
      }}
    }}
  }}
}}
"""
_GDNSD_ZONE = f"""\
www {TTL} DYNA weighted!www
spare {TTL} DYNA weighted!spare
pool {TTL} DYNA multifo!pool
api {TTL} DYNA geoip!api
"""


def start_gdnsd(site: Site) -> Server:
    """Start gdnsd with its zones linked into the directory it reads."""
    zones = site.directory / "zones"
    for path in (zones, site.directory / "run", site.directory / "state"):
        path.mkdir(exist_ok=True)
    config = _GDNSD.format(address=ADDRESS, port=site.port, directory=site.directory)
    for zone in site.zones:
        os.link(zone.path, zones / zone.origin.rstrip("."))
    if site.check_port is not None:
        config += _format_gdnsd_policies(site.check_port)
        (zones / POLICY.rstrip(".")).write_text(_APEX + _GDNSD_ZONE)
    (site.directory / "config").write_text(config)
    command = [need_program("gdnsd"), "-c", str(site.directory), "start"]
    return Server("gdnsd", command, site.port, site.directory / "log")


def _format_gdnsd_policies(check_port: int) -> str:
    return _GDNSD_POLICIES.format(
        check_port=check_port,
        interval=CHECK_INTERVAL_S,
        weights=", ".join(f"set{n} => [ {a}, {w} ]" for n, (a, w) in enumerate(WEIGHTS.items())),
        live=LIVE[0],
        dead=DEAD,
        members=", ".join(f"set{n} => {address}" for n, address in enumerate((*LIVE, DEAD))),
        regions=", ".join(REGIONS),
        networks=", ".join(f'"{network}" => [ {region} ]' for network, region in client_networks()),
        targets=", ".join(f"{region} => {address}" for region, address in REGIONS.items()),
    )


GDNSD = Peer(
    "gdnsd",
    "gdnsd",
    start_gdnsd,
    partial(printed_version, "gdnsd", "version"),
    is_minimal=True,
    weighs_health=True,
)

# --- PowerDNS -----------------------------------------------------------------------------------------------

_PDNS = """\
launch=bind
bind-config={directory}/named.conf
local-address={address}
local-port={port}
receiver-threads=1
distributor-threads=1
reuseport=no
socket-dir={directory}
daemon=no
guardian=no
disable-syslog=yes
loglevel=0
enable-lua-records=yes
edns-subnet-processing=yes
version-string=anonymous
security-poll-suffix=
"""


def start_pdns(site: Site) -> Server:
    """Start PowerDNS with the BIND backend."""
    zones = [(zone.origin, zone.path) for zone in site.zones]
    if site.check_port is not None:
        path = site.directory / f"{POLICY}zone"
        path.write_text(_APEX + "".join(_lua_records(site.check_port)))
        zones.append((POLICY, path))
    (site.directory / "named.conf").write_text(
        "".join(f'zone "{origin.rstrip(".")}" {{ type master; file "{path}"; }};\n' for origin, path in zones)
    )
    config = _PDNS.format(address=ADDRESS, port=site.port, directory=site.directory)
    (site.directory / "pdns.conf").write_text(config)
    command = [need_program("pdns_server"), f"--config-dir={site.directory}"]
    return Server("PowerDNS", command, site.port, site.directory / "log")


def _lua_records(check_port: int) -> Iterable[str]:
    weights = ",".join(f"{{{weight},'{address}'}}" for address, weight in WEIGHTS.items())
    yield f'www {TTL} IN LUA A "pickwrandom({{{weights}}})"\n'
    members = ",".join(f"'{address}'" for address in (*LIVE, DEAD))
    yield f"pool {TTL} IN LUA A \"ifportup({check_port},{{{members}}},{{selector='all'}})\"\n"
    # 256 networks in netmask() are too long for a Lua record of one character string (255 octets, RFC 1035
    # §3.3.14); the networks' regions take turns, so the second octet of the client's address tells which one.
    targets = ",".join(f"'{address}'" for address in REGIONS.values())
    octet = "tonumber(string.match(bestwho:toString(),'^10%.(%d+)%.'))"
    yield f'api {TTL} IN LUA A ";local t={{{targets}}} return t[{octet} % {len(REGIONS)} + 1]"\n'


PDNS = Peer(
    "PowerDNS",
    "pdns_server",
    start_pdns,
    partial(printed_version, "pdns_server", "--version"),
    is_minimal=True,
)
