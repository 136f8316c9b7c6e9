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
from itertools import product, zip_longest
from typing import NamedTuple

from r53lite.routing.cidr_index import CidrIndex, ClientPrefix
from r53lite.routing.context import ClientLocation
from r53lite.routing.locations import Locations, location_in
from r53lite.routing.places import COUNTRY_CONTINENT
from r53lite.routing.ranges import Network
from r53lite.routing.record_set import DEFAULT, GeoLocation, RecordSet, RecordSetGroup
from r53lite.routing.tracing import groups_below

MAX_NETWORKS = 200  # our choice, of locations or of a collection
MAX_SCANNED = 5000  # our choice, networks of locations among which different ones are looked for
MAX_CLIENTS = 48  # our choice: enough to see each set of most groups
POSITIONAL = ("latency", "geoproximity")  # policies to which there are more places than can be tried
EXAMPLES = tuple(map(ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")))


class Client(NamedTuple):
    """A client to look at a group as; `text` names it, "" is anybody. Without a `prefix` it is in no
    block.
    """

    text: str
    location: ClientLocation
    prefix: ClientPrefix | None


class Clients(NamedTuple):
    """Clients to look at one group as. `is_whole`: there are no other kinds, as far as files tell."""

    found: list[Client]
    is_whole: bool


class LintClients:
    """Clients by the files of one directory; made once for all its groups.

    Args:
        locations: where clients are.
    """

    def __init__(self, locations: Locations) -> None:
        self._locations = locations
        self._networks = locations.networks[:MAX_NETWORKS]
        self._is_whole = len(locations.networks) <= MAX_SCANNED
        unlike: dict[int, Network] = {}
        for network in locations.networks[:MAX_SCANNED]:
            number = locations.look_up(network.network_address.packed, network.prefixlen).everything
            unlike.setdefault(number, network)
        self._is_whole &= len(unlike) <= MAX_NETWORKS
        self._unlike = [self.client_in(network) for network in list(unlike.values())[:MAX_NETWORKS]]
        everybody = {str(network) for network in locations.networks if network.prefixlen == 0}
        self._nobody: list[Client] = []
        if everybody != {"0.0.0.0/0", "::/0"}:
            self._nobody.append(Client("a client nobody knows", locations.nobody, None))

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

    def of(self, group: RecordSetGroup) -> Clients:
        """Return clients of up to `MAX_CLIENTS` kinds: nobody, real ones, and those at home for a set."""
        located = [one for one in groups_below(group) if one.view is not None or one.blocks is not None]
        if not located:
            return Clients([Client("", self._locations.nobody, None)], is_whole=True)
        blocks = _blocks_of(located)
        is_whole = self._is_whole and len(blocks) <= MAX_NETWORKS
        is_whole &= not blocks or len(self._locations.networks) <= MAX_NETWORKS
        kinds: dict[Hashable, Client] = {}
        for client in self._all(located, blocks[:MAX_NETWORKS]):
            kinds.setdefault(_kind(client, located), client)
            if len(kinds) > MAX_CLIENTS:
                return Clients(list(kinds.values())[:MAX_CLIENTS], is_whole=False)
        return Clients(list(kinds.values()), is_whole)

    def _all(self, located: Sequence[RecordSetGroup], blocks: Sequence[Network]) -> Iterator[Client]:
        yield from self._nobody
        yield from map(self.client_in, blocks)
        yield from map(self.client_in, self._networks) if blocks else self._unlike
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


def _blocks_of(located: Sequence[RecordSetGroup]) -> list[Network]:
    """Return the blocks of the collections that groups go by, some of each location first, and neighbors."""
    indexes = {id(one.blocks): one.blocks for one in located if one.blocks is not None}.values()
    locations = {one.cidr.location for group in located for one in group.sets if one.cidr is not None}
    lists = [index.networks_of(location) for index in indexes for location in sorted(locations)]
    turns = zip_longest(*lists)
    found = [network for turn in turns for network in turn if network is not None]
    return list(dict.fromkeys([*found, *(one for index in indexes for one in index.neighbors())]))


def at_home(record_set: RecordSet) -> Iterator[Client]:
    """Yield the client that a set is nearest to, or made for."""
    region = record_set.region or (record_set.at.region if record_set.at is not None else None)
    if region is not None:
        yield Client(f"a client in {region}", location_in(region), None)
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
