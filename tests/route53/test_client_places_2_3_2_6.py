"""Who a client is taken for and what follows (routing-policies.md §2.3 to §2.6), asked of a server over UDP.

Clients are networks of locations.yaml, latencies come from a CSV file, and clients without a subnet ask from
two addresses of the loopback.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import dns.asyncquery
import dns.message
import pytest
import pytest_asyncio

from r53lite.errors import ZoneDataError
from tests.clients import make_query, until
from tests.route53.world import World, make_server, policy_text, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

HERE, THERE = "127.0.0.1", "127.128.0.1"
CHINA, CHINA_BY_CSV, JAPAN, JAPAN_BY_CSV = "10.1.0.0/24", "10.1.1.0/24", "10.2.0.0/24", "10.2.1.0/24"
SOMEWHERE = "10.99.0.0/24"
COUNTRIES = ("US", "PR", "GU", "TR", "CY", "GE", "AM", "DE", "JP")
LOCATIONS = """
latencies: latencies.csv
networks:
  - {cidr: 127.0.0.0/9, region: eu-west-1, country: IE, coordinates: [53.35, -6.26]}
  - {cidr: 127.128.0.0/9, region: ap-southeast-2, country: AU, coordinates: [-33.87, 151.21]}
  - {cidr: 10.1.0.0/16, region: cn-north-1, country: CN}
  - {cidr: 10.2.0.0/16, region: ap-northeast-1, country: JP}
  - {cidr: 10.3.0.0/24, country: UA, subdivision: "30"}
  - {cidr: 10.3.1.0/24, country: UA, subdivision: "05"}
  - {cidr: 10.4.0.0/24, coordinates: [0, 0]}
""" + "".join(f"  - {{cidr: 10.5.{number}.0/24, country: {code}}}\n" for number, code in enumerate(COUNTRIES))
# Where Beijing and Tokyo are nearest by distance, the file says otherwise.
LATENCIES = """from,us-east-1,eu-west-1,ap-east-1,cn-north-1,ap-northeast-1
eu-west-1,20,30,,,
10.1.1.0/24,9,8,5,300,7
10.2.1.0/24,3,200,200,2,150
"""


def reach(name: str, biased_at: str, bias: int, plain_at: str) -> str:
    """Return a set with a bias east and one without west of the client on the equator, in degrees."""
    return f"""
  - {{name: {name}, type: A, ttl: 60, policy: geoproximity, sets: [
      {{id: plain, at: {{coordinates: [0, -{plain_at}]}}, values: [192.0.2.1]}},
      {{id: biased, at: {{coordinates: [0, {biased_at}]}}, bias: {bias}, values: [192.0.2.2]}}]}}"""


# 1.35 degrees of the equator are 150 km, 0.90 are 100 km.
REACHES = {
    "150 km without bias lose to 100 km": ("1.35", 0, "0.90", "1"),
    "150 km with +50 beat 100 km": ("1.35", 50, "0.90", "2"),
    "150 km with +50 beat 76 km": ("1.35", 50, "0.68", "2"),
    "150 km with +50 lose to 74 km": ("1.35", 50, "0.67", "1"),
    "100 km with -50 beat 201 km": ("0.90", -50, "1.81", "2"),
    "100 km with -50 lose to 199 km": ("0.90", -50, "1.79", "1"),
    "99 is a hundredth: nearer": ("9.00", 99, "0.10", "2"),
    "99 is a hundredth: farther": ("9.00", 99, "0.08", "1"),
    "-99 is a hundred times: nearer": ("0.90", -99, "91.00", "2"),
    "-99 is a hundred times: farther": ("0.90", -99, "89.00", "1"),
}
RECORDS = f"""
  - {{name: near, type: A, ttl: 60, policy: latency, sets: [
      {{id: us, region: us-east-1, values: [192.0.2.1]}},
      {{id: eu, region: eu-west-1, values: [192.0.2.2]}},
      {{id: ap, region: ap-southeast-2, values: [192.0.2.3]}}]}}
  - {{name: china, type: A, ttl: 60, policy: latency, sets: [
      {{id: hk, region: ap-east-1, values: [192.0.2.1], health_check: b}},
      {{id: cn, region: cn-north-1, values: [192.0.2.2], health_check: a}},
      {{id: jp, region: ap-northeast-1, values: [192.0.2.3], health_check: c}}]}}
  - {{name: matrix, type: A, ttl: 60, policy: latency, sets: [
      {{id: us, region: us-east-1, values: [192.0.2.1], health_check: a}},
      {{id: eu, region: eu-west-1, values: [192.0.2.2]}},
      {{id: jp, region: ap-northeast-1, values: [192.0.2.3]}}]}}
  - {{name: territories, type: A, ttl: 60, policy: geolocation, sets: [
      {{id: us, location: {{country: US}}, values: [192.0.2.1]}},
      {{id: na, location: {{continent: NA}}, values: [192.0.2.2]}},
      {{id: gu, location: {{country: GU}}, values: [192.0.2.3]}},
      {{id: all, location: {{country: "*"}}, values: [192.0.2.4]}}]}}
  - {{name: ukraine, type: A, ttl: 60, policy: geolocation, sets: [
      {{id: kyiv, location: {{country: UA, subdivision: "30"}}, values: [192.0.2.1], health_check: a}},
      {{id: ua, location: {{country: UA}}, values: [192.0.2.2]}},
      {{id: all, location: {{country: "*"}}, values: [192.0.2.3]}}]}}
  - {{name: continents, type: A, ttl: 60, policy: geolocation, sets: [
      {{id: eu, location: {{continent: EU}}, values: [192.0.2.1]}},
      {{id: as, location: {{continent: AS}}, values: [192.0.2.2]}},
      {{id: all, location: {{country: "*"}}, values: [192.0.2.3]}}]}}
  - {{name: geo, type: A, ttl: 60, policy: geolocation, sets: [
      {{id: ie, location: {{country: IE}}, values: [192.0.2.1]}},
      {{id: oc, location: {{continent: OC}}, values: [192.0.2.2]}},
      {{id: all, location: {{country: "*"}}, values: [192.0.2.3]}}]}}
  - {{name: tie, type: A, ttl: 60, policy: geoproximity, sets: [
      {{id: east, at: {{coordinates: [0, 5]}}, values: [192.0.2.1]}},
      {{id: c, at: {{coordinates: [0, -2]}}, values: [192.0.2.2]}},
      {{id: b, at: {{coordinates: [0, 1]}}, bias: -50, values: [192.0.2.3], health_check: b}},
      {{id: a, at: {{coordinates: [0, 2]}}, values: [192.0.2.4], health_check: a}}]}}
  - {{name: nearest, type: A, ttl: 60, policy: geoproximity, sets: [
      {{id: ldn, at: {{coordinates: [51.5, -0.12]}}, values: [192.0.2.1]}},
      {{id: akl, at: {{coordinates: [-36.85, 174.76]}}, values: [192.0.2.2]}}]}}
  - {{name: office, type: A, ttl: 60, policy: cidr, sets: [
      {{id: here, cidr: {{collection: c, location: here}}, values: [192.0.2.1]}},
      {{id: both, cidr: {{collection: c, location: both}}, values: [192.0.2.2]}},
      {{id: all, cidr: {{collection: c, location: "*"}}, values: [192.0.2.3]}}]}}
{"".join(reach(f"reach-{number}", *case[:3]) for number, case in enumerate(REACHES.values()))}
"""
COLLECTIONS = """
cidr_collections:
  c:
    here: [127.0.0.0/24]
    both: [10.7.0.0/24, "2001:db8:7::/48"]
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    directory = tmp_path_factory.mktemp("places")
    (directory / "latencies.csv").write_text(LATENCIES, encoding="utf-8")
    async with running(directory, policy_text(RECORDS, "abc", COLLECTIONS), locations=LOCATIONS) as world:
        yield world


async def check(server: World, name: str, down: str, subnet: str, octet: str) -> None:
    """Check the one answer of a name, by the last octet of its address: new, compiled, replayed."""
    server.down(*down)
    assert await server.answers(name, subnet=subnet, asks=4) == {f"192.0.2.{octet}"}


async def ask_from(server: World, source: str, name: str, subnet: str = "") -> str:
    """Ask from an address of the loopback; return the last octet of the answer."""
    server.down()
    query = dns.message.from_wire(make_query(f"{name}.r.test", subnet=subnet))
    endpoint = server.server.endpoints[0]
    reply = await dns.asyncquery.udp(query, endpoint.address, 5.0, endpoint.port, source=source)
    (rdata,) = reply.answer[0]
    address: str = rdata.to_text()
    return address.rpartition(".")[2]


def network_of(country: str) -> str:
    """Return the network of a country."""
    return f"10.5.{COUNTRIES.index(country)}.0/24"


# --- clients without a subnet -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "here", "there"),
    [
        pytest.param("near", "1", "3", id="2.3 latency"),
        pytest.param("geo", "1", "2", id="2.4 geolocation"),
        pytest.param("nearest", "1", "2", id="2.5 geoproximity"),
        pytest.param("office", "1", "3", id="2.6 CIDR"),
    ],
)
async def test_the_address_of_a_client_without_a_subnet_decides(
    server: World, name: str, here: str, there: str
) -> None:
    for _ in range(4):
        assert [await ask_from(server, source, name) for source in (HERE, THERE)] == [here, there]


async def test_a_subnet_stands_for_the_address_unless_it_has_no_bits(server: World) -> None:
    assert await ask_from(server, HERE, "geo", "127.128.0.0/16") == "2"
    assert await ask_from(server, HERE, "geo", "0.0.0.0/0") == "1"
    assert await ask_from(server, HERE, "office", SOMEWHERE) == "3"
    assert await ask_from(server, THERE, "office", "127.0.0.0/24") == "1"


# --- §2.3 latency -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("down", "subnet", "expected"),
    [
        pytest.param("", CHINA, "2", id="Beijing"),
        pytest.param("", CHINA_BY_CSV, "2", id="Beijing, though all others are faster"),
        pytest.param("a", CHINA, "1", id="Beijing down: the next"),
        pytest.param("a", CHINA_BY_CSV, "1", id="Beijing down: the next by latency"),
        pytest.param("ab", CHINA_BY_CSV, "3", id="two down: the one after it"),
        pytest.param("abc", CHINA_BY_CSV, "2", id="all down: Beijing"),
        pytest.param("", JAPAN, "3", id="another country: its nearest"),
        pytest.param("c", JAPAN, "2", id="another country, nearest down: Beijing is next by distance"),
        pytest.param("", "127.128.0.0/16", "1", id="Australia: Hong Kong"),
        pytest.param("", SOMEWHERE, "3", id="a client nobody knows"),
    ],
)
async def test_2_3_beijing_is_for_china(server: World, down: str, subnet: str, expected: str) -> None:
    await check(server, "china", down, subnet, expected)


@pytest.mark.parametrize(
    ("down", "subnet", "expected"),
    [
        pytest.param("", JAPAN, "3", id="no row: the distance"),
        pytest.param("", JAPAN_BY_CSV, "1", id="the row of its network"),
        pytest.param("a", JAPAN_BY_CSV, "3", id="the row of its network: the next"),
        pytest.param("", "127.0.0.0/16", "1", id="the row of its region"),
        pytest.param("a", "127.0.0.0/16", "2", id="the row of its region: the next"),
    ],
)
async def test_2_3_latencies_of_the_csv_file_decide(
    server: World, down: str, subnet: str, expected: str
) -> None:
    await check(server, "matrix", down, subnet, expected)


# --- §2.4 geolocation ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("country", "expected"),
    [
        pytest.param("US", "1", id="the country"),
        pytest.param("PR", "2", id="PR is not the US: its continent"),
        pytest.param("GU", "3", id="GU has its own set"),
        pytest.param("DE", "4", id="elsewhere"),
    ],
)
async def test_2_4_territories_are_countries_of_their_own(server: World, country: str, expected: str) -> None:
    await check(server, "territories", "", network_of(country), expected)


@pytest.mark.parametrize(
    ("down", "subnet", "expected"),
    [("", "10.3.0.0/24", "1"), ("", "10.3.1.0/24", "2"), ("a", "10.3.0.0/24", "2")],
)
async def test_2_4_ukraine_has_subdivisions(server: World, down: str, subnet: str, expected: str) -> None:
    await check(server, "ukraine", down, subnet, expected)


@pytest.mark.parametrize(
    ("country", "expected"),
    [("TR", "1"), ("CY", "1"), ("DE", "1"), ("GE", "2"), ("AM", "2"), ("JP", "2"), ("GU", "3"), ("US", "3")],
)
async def test_2_4_continents_are_those_of_route_53(server: World, country: str, expected: str) -> None:
    await check(server, "continents", "", network_of(country), expected)


@pytest.mark.parametrize("country", ["BV", "CX", "EH", "HM"])
async def test_2_4_no_client_is_in_a_country_that_is_not_supported(tmp_path: Path, country: str) -> None:
    locations = f"networks:\n  - {{cidr: 10.0.0.0/8, country: {country}}}\n"
    unstarted = make_server(tmp_path, policy_text("", ()), locations=locations)

    with pytest.raises(ZoneDataError) as caught:
        await unstarted.start()

    expected = "expected an ISO 3166 code of two capital letters that Route 53 knows"
    (fault,) = caught.value.faults
    assert (fault.line, fault.reason) == (2, f"networks[0].country is {country!r}; {expected}")


# --- §2.5 geoproximity --------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", REACHES)
async def test_2_5_bias_bends_the_distance(server: World, case: str) -> None:
    name = f"reach-{list(REACHES).index(case)}"
    await check(server, name, "", "10.4.0.0/24", REACHES[case][3])


@pytest.mark.parametrize(("down", "expected"), [("", "4"), ("a", "3"), ("b", "4"), ("ab", "2")])
async def test_2_5_a_tie_goes_to_the_lowest_id(server: World, down: str, expected: str) -> None:
    await check(server, "tie", down, "10.4.0.0/24", expected)


# --- §2.6 CIDR ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subnet", "expected"),
    [
        ("10.7.0.0/24", "2"),
        ("2001:db8:7::/48", "2"),
        ("2001:db8:7:1::/64", "2"),
        ("10.7.1.0/24", "3"),
        ("2001:db8:8::/48", "3"),
    ],
)
async def test_2_6_a_location_may_hold_both_families(server: World, subnet: str, expected: str) -> None:
    await check(server, "office", "", subnet, expected)


async def test_2_6_editing_a_collection_changes_the_answers_of_all_sets_that_use_it(tmp_path: Path) -> None:
    collection = tmp_path / "collections.yaml"
    collection.write_text("cidr_collections: {c: {x: [10.7.0.0/24], y: [10.8.0.0/24]}}\n", encoding="utf-8")
    records = "".join(
        f"""
  - {{name: {name}, type: TXT, ttl: 60, policy: cidr, sets: [
      {{id: x, cidr: {{collection: c, location: x}}, values: [{name}-x]}},
      {{id: y, cidr: {{collection: c, location: y}}, values: [{name}-y]}},
      {{id: all, cidr: {{collection: c, location: "*"}}, values: [{name}-all]}}]}}"""
        for name in ("one", "two")
    )
    async with running(tmp_path, policy_text(records, ())) as world:

        async def places(subnet: str) -> list[set[str]]:
            return [await world.answers(name, "TXT", subnet, asks=4) for name in ("one", "two")]

        assert await places("10.7.0.0/24") == [{'"one-x"'}, {'"two-x"'}]
        assert await places("10.8.0.0/24") == [{'"one-y"'}, {'"two-y"'}]
        assert await places("10.9.0.0/24") == [{'"one-all"'}, {'"two-all"'}]

        edited = "cidr_collections: {c: {x: [10.9.0.0/24], y: [10.7.0.0/24]}}\n"
        version = world.server.snapshot.version
        collection.write_text(edited, encoding="utf-8")
        await until(lambda: world.server.snapshot.version > version)

        assert await places("10.7.0.0/24") == [{'"one-y"'}, {'"two-y"'}]
        assert await places("10.8.0.0/24") == [{'"one-all"'}, {'"two-all"'}]
        assert await places("10.9.0.0/24") == [{'"one-x"'}, {'"two-x"'}]
