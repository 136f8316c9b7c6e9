"""Who is in the lab? `lab.yaml`, read into a plan."""

from __future__ import annotations

from ipaddress import IPv4Network, ip_address, ip_network
from pathlib import Path
from typing import NamedTuple

from r53lite.config.document import Reader
from r53lite.config.settings import Endpoint, parse_endpoint
from r53lite.config.yaml_file import read_yaml
from r53lite.errors import Faults, SettingsError


class LabServer(NamedTuple):
    """One server: `addresses` by name share one catalog; paths are absolute."""

    name: str
    addresses: dict[str, str]
    zones: tuple[Path, ...]
    locations: Path | None
    root_hints: Path | None
    http: Endpoint | None


class LabPlan(NamedTuple):
    """The whole lab; addresses inside `network` can move to another."""

    network: IPv4Network
    port: int
    backend_port: int
    servers: tuple[LabServer, ...]
    backends: dict[str, str]


def load_plan(path: Path) -> LabPlan:
    """Read a lab file.

    Raises:
        SettingsError: every fault, with its line.
    """
    faults = Faults(str(path))
    root = Reader(read_yaml(path, faults), "", faults)
    network = _read_network(root, faults)
    port = root.integer("port", 5300, minimum=1, maximum=65535)
    backend_port = root.integer("backend_port", 8080, minimum=1, maximum=65535)
    servers = tuple(
        _read_server(name, Reader(node, f"servers.{name}", faults), path.parent)
        for name, _, node in root.children("servers")
    )
    backends = _read_addresses(root, "backends")
    root.finish()
    if not servers and not faults.has_errors:
        faults.error(root.line_of("servers") or 1, "no servers")
    if faults.has_errors:
        raise SettingsError(faults.items)
    return LabPlan(network, port, backend_port, servers, backends)


def _read_network(root: Reader, faults: Faults) -> IPv4Network:
    text = root.text("network", required=True)
    try:
        network = ip_network(text or "127.53.0.0/16")
    except ValueError as error:
        faults.error(root.line_of("network"), f"network is {text!r}; expected a network ({error})")
        return IPv4Network("127.53.0.0/16")
    if not isinstance(network, IPv4Network):
        faults.error(root.line_of("network"), f"network is {text!r}; expected an IPv4 network")
        return IPv4Network("127.53.0.0/16")
    return network


def _read_addresses(reader: Reader, key: str) -> dict[str, str]:
    """Read a mapping of names to IP addresses."""
    found = {}
    for name, _, _ in reader.children(key):
        address = reader.child(key).address(name, required=True)
        if address is not None:
            found[name] = str(ip_address(address))
    return found


def _read_server(name: str, reader: Reader, directory: Path) -> LabServer:
    addresses = _read_addresses(reader, "addresses")
    zones = []
    for scalar in reader.texts("zones"):
        path = (directory / scalar.text).resolve()
        if not path.exists():
            reader.faults.error(
                scalar.line, f"{reader.at('zones')} holds {scalar.text!r}, which does not exist"
            )
        zones.append(path)
    http = reader.text("http")
    endpoint = None
    if http:
        try:
            endpoint = parse_endpoint(http)
        except ValueError as error:
            reader.faults.error(reader.line_of("http"), str(error))
    locations, hints = (_read_path(reader, key, directory) for key in ("locations", "root_hints"))
    reader.finish()
    return LabServer(name, addresses, tuple(zones), locations, hints, endpoint)


def _read_path(reader: Reader, key: str, directory: Path) -> Path | None:
    text = reader.text(key)
    if not text:
        return None
    path = (directory / text).resolve()
    if not path.exists():
        reader.faults.error(reader.line_of(key), f"{reader.at(key)} is {text!r}, which does not exist")
    return path
