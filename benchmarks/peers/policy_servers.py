"""How are gdnsd and PowerDNS run, whose answers can follow weights, health and networks?

gdnsd: one UDP and one TCP thread; plugins `weighted`, `multifo`, `metafo` and `geoip` (networks written down,
no database) with `http_status` checks.
PowerDNS: BIND backend, one receiver and one distributor thread, packet
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
    BRANCHES,
    CHECK_INTERVAL_S,
    DEAD,
    LIVE,
    MANY,
    OFFICES,
    OTHERS,
    PLACES,
    PLACES_OF,
    POLICY,
    REGIONS,
    TTL,
    WEIGHTS,
    block_chains,
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
    dead => {{ dead => [ {dead}, 1 ] }}
    branches => {{ {branches} }}
  }}
  metafo => {{
    resources => {{
      tree => {{
        datacenters => [ first, second ]
        dcmap => {{ first => "%weighted!dead", second => "%weighted!branches" }}
      }}
    }}
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
      places => {{
        datacenters => [ {places} ]
        nets => {{ {place_networks} }}
      }}
      offices => {{
        datacenters => [ {offices} ]
        nets => {{ {blocks} }}
      }}
    }}
    resources => {{
      api => {{
        map => clients
        service_types => check
        dcmap => {{ {targets} }}
      }}
      shop => {{
        map => places
        service_types => check
        dcmap => {{ {place_targets} }}
      }}
      office => {{
        map => offices
        service_types => check
        dcmap => {{ {office_targets} }}
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
shop {TTL} DYNA geoip!shop
office {TTL} DYNA geoip!office
tree {TTL} DYNA metafo!tree
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
    networks = list(client_networks())
    # The default list of datacenters is all of them, in order: a client in no block is given the first.
    offices = {"others": OTHERS, **OFFICES}
    return _GDNSD_POLICIES.format(
        check_port=check_port,
        interval=CHECK_INTERVAL_S,
        weights=_weights(WEIGHTS),
        live=LIVE[0],
        dead=DEAD,
        # Of a group of addresses gdnsd shows several: the members stand side by side, with the same odds.
        branches=_weights({a: w for members in BRANCHES.values() for a, w in members.items()}),
        members=", ".join(f"set{n} => {address}" for n, address in enumerate((*LIVE, DEAD))),
        regions=", ".join(REGIONS),
        networks=", ".join(f'"{network}" => [ {region} ]' for network, region, _ in networks),
        targets=_targets(REGIONS),
        places=", ".join(PLACES),
        place_networks=", ".join(
            f'"{each[0]}" => [ {", ".join(PLACES_OF[n % len(PLACES_OF)])} ]'
            for n, each in enumerate(networks)
        ),
        place_targets=_targets(PLACES),
        offices=", ".join(offices),
        blocks=", ".join(
            f'"{block}" => [ {", ".join((*near, "others"))} ]' for block, near in block_chains()
        ),
        office_targets=_targets(offices),
    )


def _weights(weights: dict[str, int]) -> str:
    return ", ".join(
        f"set{n} => [ {address}, {weight} ]" for n, (address, weight) in enumerate(weights.items())
    )


def _targets(targets: dict[str, str]) -> str:
    return ", ".join(f"{place} => {address}" for place, address in targets.items())


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
    # Any eight of the healthy ones, in a mixed order; the addresses are counted up, as twelve are too long
    # for one character string.
    start = int(MANY[0].rpartition(".")[2]) - 1
    yield (
        f"many {TTL} IN LUA A \";local a={{}} for i=1,{len(MANY)} do a[i]='127.0.0.'..(i+{start}) end "
        f"return pickrandomsample(8,ifportup({check_port},a,{{selector='all',backupSelector='all'}}))\"\n"
    )
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
