"""What do we know of a client by its address: may it recurse, and where is it?

Both are found once and remembered in bounded tables, because one client asks many questions, and so do the
clients of one subnet. Pure.
"""

from __future__ import annotations

from functools import partial
from ipaddress import ip_address

from r53lite.answering.access import AccessList
from r53lite.answering.kept import Kept
from r53lite.answering.place import Place
from r53lite.dns.address import unmapped
from r53lite.dns.edns import ClientSubnet
from r53lite.routing.cidr_index import ClientPrefix
from r53lite.routing.locations import Locations

MAX_KNOWN_CLIENTS = 16_384  # our choice: some 3 MB
KEPT_PLACES = 8_192  # a generation, of addresses and of subnets; 2 kB each, 5 kB where many groups are asked


class Clients:
    """The clients of one server.

    Args:
        recursion_clients: who may recurse; None where nobody may.
    """

    def __init__(self, recursion_clients: AccessList | None) -> None:
        self._recursion_clients = recursion_clients
        self._permits: dict[str, bool] = {}
        self._places = Kept[str, Place](KEPT_PLACES)
        self._subnets = Kept[ClientSubnet, Place](KEPT_PLACES)
        self._located_by: Locations | None = None

    def may_recurse(self, address: str) -> bool:
        """Say whether recursion is on and open to the client with an address."""
        if self._recursion_clients is None:
            return False
        known = self._permits.get(address)
        if known is None:
            if len(self._permits) >= MAX_KNOWN_CLIENTS:
                self._permits.clear()
            known = self._recursion_clients.permits(ip_address(unscoped(address)))
            self._permits[address] = known
        return known

    def place(self, locations: Locations, address: str, subnet: ClientSubnet | None = None) -> Place:
        """Return where a client is: a client subnet stands for its address (RFC 7871 §7.2.1).

        A subnet of no bits tells nothing, so the address counts; the scope is then one of the subnet, 0.
        """
        if locations is not self._located_by:
            self._relocate(locations)
        if subnet is None:
            return self._place_of(locations, address)
        if subnet.source_prefix_len == 0:
            return self._place_of(locations, address).unscoped()
        place = self._subnets.get(subnet)
        if place is None:
            packed = subnet.address.ljust(4 if subnet.family == 1 else 16, b"\x00")
            client = ClientPrefix(packed, subnet.source_prefix_len)
            place = Place(partial(locations.look_up, packed, subnet.source_prefix_len), client)
            self._subnets.put(subnet, place)
        return place

    def let_go(self, locations: Locations) -> bool:
        """Free some places of locations that are not these; say whether there are more."""
        if locations is not self._located_by:
            self._relocate(locations)
        is_more = self._places.let_go()
        return self._subnets.let_go() or is_more

    def _relocate(self, locations: Locations) -> None:
        """Forget where clients are by other locations."""
        self._located_by = locations
        self._places.clear()
        self._subnets.clear()

    def _place_of(self, locations: Locations, address: str) -> Place:
        place = self._places.get(address)
        if place is None:
            packed = unmapped(ip_address(unscoped(address))).packed
            client = ClientPrefix(packed, 8 * len(packed))
            place = Place(partial(locations.look_up_address, packed), client)
            self._places.put(address, place)
        return place


def unscoped(address: str) -> str:
    """Return an address without the interface that stands behind a link-local client's."""
    return address.partition("%")[0]
