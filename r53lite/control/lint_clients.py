"""As which clients does `policy_lint` look at a group?

Two clients are of one kind if the group, and those its aliases lead to, make the same of them; one of each
kind is enough. Some are real: a client in a network of `locations.yaml` or in a CIDR block, who is where the
files say, so that `r53lite odds --from` shows the same. Others are imagined: one at home for each set,
because databases may know anybody.

Pure.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from ipaddress import ip_network
from itertools import product
from typing import NamedTuple

from r53lite.routing.cidr_index import CidrIndex, ClientPrefix
from r53lite.routing.context import ClientLocation
from r53lite.routing.locations import Locations
from r53lite.routing.places import COUNTRY_CONTINENT, REGIONS
from r53lite.routing.ranges import Network
from r53lite.routing.record_set import DEFAULT, GeoLocation, RecordSet, RecordSetGroup
from r53lite.routing.tracing import groups_below

MAX_NETWORKS = 200  # our choice, of locations or of a collection
MAX_CLASSES = 64  # our choice, of locations where no blocks count
MAX_CLIENTS = 48  # our choice: enough to see each set of most groups
MAX_BLOCKS = 3  # our choice, of one location of a collection
EXAMPLES = tuple(map(ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")))


class Client(NamedTuple):
    """A client to look at a group as; `text` names it, "" is anybody. Without a `prefix` it is in no
    block.
    """

    text: str
    location: ClientLocation
    prefix: ClientPrefix | None


NOBODY = Client("", ClientLocation(), None)
"""A client of whom nothing is known."""


class LintClients:
    """Clients by the files of one directory; made once for all its groups.

    Args:
        locations: where clients are.
    """

    def __init__(self, locations: Locations) -> None:
        self._locations = locations
        self._networks = locations.networks[:MAX_NETWORKS]
        classes: dict[int, Client] = {}
        for network in locations.networks:
            if len(classes) < MAX_CLASSES:
                packed = network.network_address.packed
                number = locations.look_up(packed, network.prefixlen).everything
                if number not in classes:
                    classes[number] = self.client_in(network)
        self._classes = list(classes.values())

    def client_in(self, network: Network) -> Client:
        """Return a client who is known by a network: where the files say."""
        packed = network.network_address.packed
        location = self._locations.locate(packed, network.prefixlen)
        return Client(f"a client in {network}", location, ClientPrefix(packed, network.prefixlen))

    def visitors(self, blocks: CidrIndex | None) -> list[Client]:
        """Return clients of the configured networks, of documentation space, and around CIDR blocks; named by
        their networks.
        """
        networks: list[Network] = [*self._networks, *EXAMPLES]
        if blocks is not None:
            networks += blocks.neighbors()[:MAX_NETWORKS]
        found = []
        for network in dict.fromkeys(networks):
            client = self.client_in(network)
            country = client.location.country if blocks is None else None
            found.append(client._replace(text=f"{network} ({country})" if country else str(network)))
        return found

    def of(self, group: RecordSetGroup) -> list[Client]:
        """Return clients of up to `MAX_CLIENTS` kinds: nobody, real ones, and those at home for a set."""
        located = [one for one in groups_below(group) if one.view is not None or one.blocks is not None]
        kinds: dict[Hashable, Client] = {}
        for client in self._all(located):
            kinds.setdefault(_kind(client, located), client)
            if len(kinds) == MAX_CLIENTS or not located:
                break
        return list(kinds.values())

    def _all(self, located: Sequence[RecordSetGroup]) -> Iterator[Client]:
        yield NOBODY
        indexes = {id(one.blocks): one for one in located if one.blocks is not None}.values()
        for network in dict.fromkeys(network for one in indexes for network in _networks_of(one)):
            yield self.client_in(network)
        yield from map(self.client_in, self._networks) if indexes else self._classes
        for one in located:
            for record_set in one.sets:
                yield from at_home(record_set)


def recombined(clients: Iterable[Client]) -> list[Client]:
    """Return imagined clients: in each block of some clients, each area and each position of others."""
    known = list(clients)
    prefixes = dict.fromkeys(client.prefix for client in known)
    areas = dict.fromkeys(
        (client.location.country, client.location.subdivision, client.location.continent) for client in known
    )
    positions = dict.fromkeys((client.location.region, client.location.coordinates) for client in known)
    return [
        Client("", ClientLocation(region, country, subdivision, continent, coordinates), prefix)
        for prefix, (country, subdivision, continent), (region, coordinates) in product(
            prefixes, areas, positions
        )
    ]


def _kind(client: Client, located: Iterable[RecordSetGroup]) -> Hashable:
    """Return what groups make of a client."""
    kind: list[Hashable] = []
    for group in located:
        if group.blocks is not None:
            kind.append(group.blocks.match(client.prefix).locations)
        elif group.view is not None and group.view.class_of is not None:
            kind.append(group.view.class_of(group.view.seen(client.location)))
    return tuple(kind)


def _networks_of(group: RecordSetGroup) -> Iterator[Network]:
    """Yield some blocks of each location that a CIDR group has a set for, and neighbors for its default."""
    assert group.blocks is not None
    for record_set in group.sets:
        if record_set.cidr is not None:
            location = record_set.cidr.location
            is_default = location == DEFAULT
            networks = group.blocks.neighbors() if is_default else group.blocks.networks_of(location)
            yield from networks[:MAX_BLOCKS]


def at_home(record_set: RecordSet) -> Iterator[Client]:
    """Yield the client that a set is nearest to, or made for."""
    region = record_set.region or (record_set.at.region if record_set.at is not None else None)
    if region is not None:
        yield Client(f"a client in {region}", ClientLocation(region, coordinates=REGIONS[region]), None)
    elif record_set.at is not None:
        at = record_set.at.coordinates
        yield Client(f"a client at {at}", ClientLocation(coordinates=at), None)
    if record_set.location is not None:
        yield _home_of(record_set.location)


def _home_of(place: GeoLocation) -> Client:
    """Return a client in the place that a geolocation set is for."""
    country = None if place.country == DEFAULT else place.country
    continent = place.continent or COUNTRY_CONTINENT.get(country or "")
    location = ClientLocation(country=country, subdivision=place.subdivision, continent=continent)
    names = [name for name in (place.subdivision, country or continent) if name]
    return Client(f"a client in {', '.join(names)}" if names else "", location, None)
