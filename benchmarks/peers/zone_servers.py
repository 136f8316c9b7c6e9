"""How are NSD, Knot and BIND run: one process or thread that answers, no rate limit, no log?

All else is as Debian builds it and as their defaults have it, but for BIND's `minimal-responses no`: its
default, `no-auth-recursive`, leaves the authority section out where a query has RD set, as dnsperf's have,
and then it would be timed for less than NSD and r53lite answer.
"""

from __future__ import annotations

from functools import partial

from benchmarks.peers.base import Peer, Site, printed_version
from benchmarks.process import Server, need_program
from benchmarks.zones import ADDRESS

_NSD = """\
server:
  ip-address: {address}@{port}
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "{directory}"
  database: ""
  pidfile: ""
  zonelistfile: "{directory}/nsd.zonelist"
  xfrdfile: "{directory}/nsd.xfrd"
  xfrdir: "{directory}"
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
  verbosity: 0
remote-control:
  control-enable: no
"""
_NSD_ZONE = """\
zone:
  name: "{origin}"
  zonefile: "{path}"
"""

_KNOT = """\
server:
    rundir: "{directory}"
    listen: {address}@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "{directory}"
log:
  - target: stderr
    any: critical
template:
  - id: default
    storage: "{directory}"
    zonefile-load: whole
    zonefile-sync: -1
    journal-content: none
    semantic-checks: off
zone:
"""
_KNOT_ZONE = '  - domain: "{origin}"\n    file: "{path}"\n'

_BIND = """\
options {{
    directory "{directory}";
    listen-on port {port} {{ {address}; }};
    listen-on-v6 {{ none; }};
    pid-file none;
    lock-file none;
    session-keyfile none;
    recursion no;
    dnssec-validation no;
    empty-zones-enable no;
    minimal-responses no;
    notify no;
    querylog no;
}};
controls {{ }};
logging {{
    category default {{ null; }};
    category unmatched {{ null; }};
}};
"""
_BIND_ZONE = 'zone "{origin}" {{ type primary; file "{path}"; }};\n'


def _write_config(site: Site, name: str, head: str, each_zone: str) -> str:
    path = site.directory / name
    text = head.format(address=ADDRESS, port=site.port, directory=site.directory)
    zones = (each_zone.format(origin=zone.origin.rstrip("."), path=zone.path) for zone in site.zones)
    path.write_text(text + "".join(zones))
    return str(path)


def start_nsd(site: Site) -> Server:
    """Start NSD with one server process."""
    config = _write_config(site, "nsd.conf", _NSD, _NSD_ZONE)
    command = [need_program("nsd"), "-d", "-c", config]
    return Server("NSD", command, site.port, site.directory / "log")


def start_knot(site: Site) -> Server:
    """Start Knot with one UDP and one TCP worker."""
    config = _write_config(site, "knot.conf", _KNOT, _KNOT_ZONE)
    command = [need_program("knotd"), "-c", config]
    return Server("Knot", command, site.port, site.directory / "log")


def start_bind(site: Site) -> Server:
    """Start BIND with one network thread."""
    config = _write_config(site, "named.conf", _BIND, _BIND_ZONE)
    command = [need_program("named"), "-f", "-n", "1", "-c", config]
    return Server("BIND", command, site.port, site.directory / "log")


NSD = Peer("NSD", "nsd", start_nsd, partial(printed_version, "nsd", "-v"))
KNOT = Peer("Knot", "knotd", start_knot, partial(printed_version, "knotd", "-V"), is_minimal=True)
BIND = Peer("BIND", "named", start_bind, partial(printed_version, "named", "-v"))
