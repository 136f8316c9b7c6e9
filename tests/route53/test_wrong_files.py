"""Each rule of records-and-changes.md §1.1 to §1.8, routing-policies.md §2 and alias-trees.md §3.1, broken
once: one clear fault with its line, and a server that does not start.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from r53lite.errors import ZoneDataError
from tests.route53.world import make_server, policy_text

PLAIN = "{name: plain, type: A, ttl: 1, values: [192.0.2.1]}"
COLLECTION = "cidr_collections: {c: {berlin: [198.51.100.0/24]}}"


def group(policy: str, *sets: str, rrtype: str = "A", head: str = "ttl: 60, ") -> str:
    """Return an entry with its sets on the lines behind the first."""
    body = ",\n      ".join(sets)
    return f"{{name: x, type: {rrtype}, {head}policy: {policy}, sets: [\n      {body}]}}"


def one(set_id: str, fields: str, value: str = "192.0.2.1") -> str:
    """Return a set with a value."""
    return f"{{id: {set_id}, {fields}, values: ['{value}']}}"


W = one("a", "weight: 1")
P = one("p", "failover: primary, health_check: a")
GEO = "location: {country: US}"
CIDR = "cidr: {collection: c, location: berlin}"
ETH = "evaluate_target_health: true"

CASES = {
    # §1.1, §1.3, §1.7: what can stand where
    "1.1 no policy chooses NS": (
        group("weighted", one("a", "weight: 1", "ns1"), rrtype="NS"),
        "6: records[3]: policy weighted cannot choose NS records",
    ),
    "1.1 no policy chooses SOA": (
        group("latency", one("a", "region: us-east-1", "a b 1 1 1 1 1"), rrtype="SOA"),
        "6: records[3]: policy latency cannot choose SOA records",
    ),
    "1.1 no policy chooses DS": (
        group("failover", one("a", "failover: secondary", "1 8 2 " + "00" * 32), rrtype="DS"),
        "6: records[3]: policy failover cannot choose DS records",
    ),
    "1.1 no policy chooses HINFO": (
        group("weighted", one("a", "weight: 1", "a b"), rrtype="HINFO"),
        "6: records[3]: policy weighted cannot choose HINFO records",
    ),
    "1.1 no policy chooses NSEC": (
        group("weighted", one("a", "weight: 1", "b A"), rrtype="NSEC"),
        "6: records[3]: policy weighted cannot choose NSEC records",
    ),
    "1.6 no NS at a wildcard": (
        "{name: '*.q', type: NS, ttl: 1, values: [ns1]}",
        "6: records[3].name: NS records cannot stand at a wildcard (records-and-changes.md §1.6)",
    ),
    "1.7 multivalue chooses no NS": (
        group("multivalue", "{id: a, values: [ns1]}", rrtype="NS"),
        "6: records[3]: policy multivalue cannot choose NS records",
    ),
    "2.7 multivalue chooses no CNAME": (
        group("multivalue", "{id: a, values: [plain]}", rrtype="CNAME"),
        "6: records[3]: policy multivalue cannot choose CNAME records",
    ),
    "2.7 multivalue has no aliases": (
        group("multivalue", "{id: a, alias: {target: ns1}}"),
        "7: records[3].sets[0].alias: a multivalue set cannot be an alias",
    ),
    "1.1 no alias to NS": (
        "{name: x, type: NS, alias: {target: '@'}}",
        "6: records[3].alias cannot stand at NS records",
    ),
    "1.3 one CNAME for a set": (
        group("weighted", "{id: a, weight: 1, values: [b,\n c]}", rrtype="CNAME"),
        "8: records[3].sets[0].values holds 2 values; a CNAME record has exactly one",
    ),
    "1.7 CNAME at the apex": (
        "{name: '@', type: CNAME, ttl: 1, values: [ns1]}",
        "6: owner 'r.test.' has CNAME and SOA, NS; a CNAME must be alone (RFC 1034 §3.6.2)",
    ),
    "1.7 CNAME beside another type": (
        f"{PLAIN}\n  - {{name: plain, type: CNAME, ttl: 1, values: [ns1]}}",
        "7: owner 'plain.r.test.' has CNAME and A; a CNAME must be alone (RFC 1034 §3.6.2)",
    ),
    "1.7 a CNAME group beside another type": (
        f"{PLAIN}\n  - {{name: plain, type: CNAME, ttl: 1, policy: weighted, sets: [{W}]}}".replace(
            "'192.0.2.1'", "ns1"
        ),
        "7: owner 'plain.r.test.' has CNAME and A; a CNAME must be alone (RFC 1034 §3.6.2)",
    ),
    "1.7 one policy for a name and type": (
        f"{group('weighted', W)}\n  - {group('latency', one('b', 'region: us-east-1'))}",
        "8: records[4]: 'x.r.test.' A is already on line 6; write one entry",
    ),
    "1.7 simple excludes a policy": (
        f"{group('weighted', W)}\n  - {{name: x, type: A, ttl: 1, values: [192.0.2.1]}}",
        "8: records[4]: 'x.r.test.' A is already on line 6; write one entry",
    ),
    "1.2 two policies in one set": (
        group("weighted", one("a", "weight: 1, region: us-east-1")),
        "7: records[3].sets[0].region belongs to policy latency; this is policy weighted",
    ),
    "1.2 no SetIdentifier": (
        group("weighted", "{weight: 1, values: [192.0.2.1]}"),
        "7: records[3].sets[0] has no 'id'",
    ),
    "1.2 SetIdentifier twice": (
        group("weighted", W, W),
        "8: records[3].sets[1].id: 'a' is already on line 7 of this record",
    ),
    "1.2 SetIdentifier too long": (
        group("weighted", one("i" * 129, "weight: 1")),
        "7: records[3].sets[0].id has 129 characters; expected 1 to 128",
    ),
    "1.2 neither values nor alias": (
        group("weighted", "{id: a, weight: 1}"),
        "7: records[3].sets[0] has no 'values'",
    ),
    "1.2 values and alias": (
        group("weighted", "{id: a, weight: 1, alias: {target: ns1}, values: [192.0.2.1]}"),
        "7: records[3].sets[0].values stands beside 'alias'; it has its target's",
    ),
    "1.2 no ttl": (
        group("weighted", W, head=""),
        "7: records[3].sets[0] has no 'ttl'",
    ),
    "1.7 weighted siblings have one ttl": (
        group("weighted", W, one("b", "weight: 1, ttl: 5")),
        "8: records[3]: weighted sets must have one ttl; 'b' has 5, 'a' has 60",
    ),
    "1.8 at most 100 sets": (
        group("weighted", ", ".join(one(f"s{number}", "weight: 1") for number in range(101))),
        "6: records[3].sets holds 101 sets; the limit is 100",
    ),
    "1.8 at most 30 geoproximity sets": (
        group(
            "geoproximity", ", ".join(one(f"s{number}", "at: {region: us-east-1}") for number in range(31))
        ),
        "6: records[3].sets holds 31 sets; the limit is 30",
    ),
    "1.8 at most 400 values": (
        group(
            "weighted",
            f"{{id: a, weight: 1, values: [{', '.join(f't{n}' for n in range(401))}]}}",
            rrtype="TXT",
        ),
        "7: records[3].sets[0].values holds 401 values; the limit is 400",
    ),
    "1.3 at most 400 values, without a policy": (
        f"{{name: x, type: TXT, ttl: 1,\n    values: [{', '.join(f't{n}' for n in range(401))}]}}",
        "7: records[3].values holds 401 values; the limit is 400",
    ),
    "1.3 at most 4000 characters": (
        f"{{name: x, type: TXT, ttl: 1, values: [ok,\n    {'x' * 4001}]}}",
        "7: records[3].values holds a value of 4001 characters; the limit is 4000",
    ),
    # §2.2, §2.3
    "2.2 weight is needed": (
        group("weighted", "{id: a, values: [192.0.2.1]}"),
        "7: records[3].sets[0] has no 'weight'",
    ),
    "2.2 weight over 255": (
        group("weighted", one("a", "weight: 256")),
        "7: records[3].sets[0].weight is '256'; expected a whole number from 0 to 255",
    ),
    "2.2 weight under 0": (
        group("weighted", one("a", "weight: -1")),
        "7: records[3].sets[0].weight is '-1'; expected a whole number from 0 to 255",
    ),
    "2.3 unknown region": (
        group("latency", one("a", "region: eu-west-9")),
        "7: records[3].sets[0].region: unknown region 'eu-west-9'; did you mean 'eu-west-3'?",
    ),
    "1.7 one set for a region": (
        group("latency", one("a", "region: us-east-1"), one("b", "region: us-east-1")),
        "8: records[3].sets[1].region: 'us-east-1' is already on line 7 of this record",
    ),
    # §2.4
    "2.4 two places in one": (
        group("geolocation", one("a", "location: {continent: EU, country: DE}")),
        "7: records[3].sets[0].location.continent stands beside another place; expected exactly one",
    ),
    "2.4 no place": (
        group("geolocation", one("a", "location: {}")),
        "7: records[3].sets[0].location has neither 'continent' nor 'country'; expected one of them",
    ),
    "2.4 unknown continent": (
        group("geolocation", one("a", "location: {continent: XX}")),
        "7: records[3].sets[0].location.continent is 'XX'; expected one of AF, AN, AS, EU, NA, OC, SA",
    ),
    **{
        f"2.4 country {country} is not supported": (
            group("geolocation", one("a", f"location: {{country: {country}}}")),
            f"7: records[3].sets[0].location.country is '{country}'; expected an ISO 3166 code of two capital"
            " letters that Route 53 knows, or '*'",
        )
        for country in ("BV", "CX", "EH", "HM")
    },
    "2.4 subdivision of another country": (
        group("geolocation", one("a", "location: {country: DE, subdivision: BY}")),
        "7: records[3].sets[0].location.subdivision stands without country US or UA; no other has"
        " subdivisions",
    ),
    "2.4 subdivision too long": (
        group("geolocation", one("a", "location: {country: US, subdivision: CALI}")),
        "7: records[3].sets[0].location.subdivision is 'CALI'; expected a code of 1 to 3 capital letters and"
        " digits, such as CA",
    ),
    "1.7 one set for a place": (
        group("geolocation", one("a", GEO), one("b", GEO)),
        "8: records[3].sets[1].location: this location is already on line 7 of this record",
    ),
    # §2.5
    "2.5 region and coordinates": (
        group("geoproximity", one("a", "at: {region: us-east-1, coordinates: [1, 2]}")),
        "7: records[3].sets[0].at: expected exactly one of 'region', 'local_zone_group', 'coordinates'",
    ),
    "2.5 an unknown Local Zone group": (
        group("geoproximity", one("a", "at: {local_zone_group: us-west-2-xyz-1}")),
        "7: records[3].sets[0].at.local_zone_group: unknown Local Zone group 'us-west-2-xyz-1'; expected a"
        " region, a city and a number, such as us-west-2-lax-1",
    ),
    "2.5 a Local Zone group of no region": (
        group("geoproximity", one("a", "at: {local_zone_group: us-west-9-lax-1}")),
        "7: records[3].sets[0].at.local_zone_group: unknown Local Zone group 'us-west-9-lax-1'; expected a"
        " region, a city and a number, such as us-west-2-lax-1",
    ),
    "2.5 coordinates out of range": (
        group("geoproximity", one("a", "at: {coordinates: [91, 2]}")),
        "7: records[3].sets[0].at.coordinates is [91, 2]; expected [latitude, longitude] in degrees,"
        " -90 to 90 and -180 to 180, up to two decimals",
    ),
    "2.5 coordinates with three decimals": (
        group("geoproximity", one("a", "at: {coordinates: [1.234, 2]}")),
        "7: records[3].sets[0].at.coordinates is [1.234, 2]; expected [latitude, longitude] in degrees,"
        " -90 to 90 and -180 to 180, up to two decimals",
    ),
    "2.5 coordinates of another kind": (
        group("geoproximity", one("a", "at: {coordinates: here}")),
        "7: records[3].sets[0].at.coordinates is 'here'; expected [latitude, longitude] in degrees,"
        " -90 to 90 and -180 to 180, up to two decimals",
    ),
    "2.5 coordinates of nothing": (
        group("geoproximity", one("a", "at: {coordinates: null}")),
        "7: records[3].sets[0].at has no 'coordinates'",
    ),
    "2.5 bias": (
        group("geoproximity", one("a", "at: {region: us-east-1}, bias: 100")),
        "7: records[3].sets[0].bias is '100'; expected a whole number from -99 to 99",
    ),
    # §2.6
    "2.6 no collection": (
        group("cidr", one("a", "cidr: {location: '*'}")),
        "7: records[3].sets[0].cidr has no 'collection'",
    ),
    "2.6 unknown collection": (
        group("cidr", one("a", CIDR)),
        "7: CIDR collection 'c' is not defined",
    ),
    "2.6 unknown location": (
        f"{group('cidr', one('a', 'cidr: {collection: c, location: rome}'))}\n{COLLECTION}",
        "7: CIDR collection 'c' has no location 'rome'; expected one of berlin or '*'",
    ),
    "2.6 unknown collection, in block style": (
        "name: x\n    type: A\n    ttl: 60\n    policy: cidr\n    sets:\n      - id: a\n"
        "        values: [192.0.2.1]\n        cidr:\n          collection: c\n          location: berlin\n",
        "14: CIDR collection 'c' is not defined",
    ),
    "2.6 unknown location, in block style": (
        "name: x\n    type: A\n    ttl: 60\n    policy: cidr\n    sets:\n      - id: a\n"
        f"        values: [192.0.2.1]\n        cidr: {{collection: c, location: rome}}\n{COLLECTION}",
        "13: CIDR collection 'c' has no location 'rome'; expected one of berlin or '*'",
    ),
    "1.7 one collection": (
        f"{group('cidr', one('a', CIDR), one('b', 'cidr: {collection: d, location: x}'))}\n"
        "cidr_collections: {c: {berlin: [198.51.100.0/24]}, d: {x: [10.0.0.0/8]}}",
        "8: records[3]: cidr sets must use one collection; 'b' has 'd', 'a' has 'c'",
    ),
    "1.7 one set for a CIDR location": (
        f"{group('cidr', one('a', CIDR), one('b', CIDR))}\n{COLLECTION}",
        "8: records[3].sets[1].cidr: this cidr is already on line 7 of this record",
    ),
    "2.6 IPv4 block over /24": (
        f"{PLAIN}\ncidr_collections: {{c: {{berlin: [198.51.100.0/25]}}}}",
        "7: cidr_collections.c.berlin holds '198.51.100.0/25'; expected /1 to /24 for IPv4",
    ),
    "2.6 IPv6 block over /48": (
        f"{PLAIN}\ncidr_collections: {{c: {{berlin: ['2001:db8::/49']}}}}",
        "7: cidr_collections.c.berlin holds '2001:db8::/49'; expected /1 to /48 for IPv6",
    ),
    "2.6 block /0": (
        f"{PLAIN}\ncidr_collections: {{c: {{berlin: [0.0.0.0/0]}}}}",
        "7: cidr_collections.c.berlin holds '0.0.0.0/0'; expected /1 to /24 for IPv4; the location '*' of a"
        " record set is for everybody",
    ),
    "2.6 a block belongs to one location": (
        f"{PLAIN}\ncidr_collections: {{c: {{a: [10.0.0.0/8],\n    b: [10.0.0.0/8]}}}}",
        "8: cidr_collections.c.b: block '10.0.0.0/8' is already on line 7 of this collection",
    ),
    "2.6 collection name": (
        f"{PLAIN}\ncidr_collections: {{c d: {{a: [10.0.0.0/8]}}}}",
        "7: name 'c d' of a CIDR collection: expected 1 to 64 letters, digits, '-' and '_'",
    ),
    "2.6 location name": (
        f"{PLAIN}\ncidr_collections: {{c: {{a.b: [10.0.0.0/8]}}}}",
        "7: location 'a.b' of cidr_collections.c: expected 1 to 16 letters, digits, '-' and '_'",
    ),
    "2.6 blocks of the default": (
        f"{PLAIN}\ncidr_collections: {{c: {{'*': [10.0.0.0/8]}}}}",
        "7: location '*' of cidr_collections.c has no blocks: it is for everybody else",
    ),
    # §2.8
    "2.8 a primary needs a check": (
        group("failover", one("p", "failover: primary")),
        "7: records[3].sets[0]: a primary that is no alias must have a 'health_check'",
    ),
    "2.8 unknown role": (
        group("failover", one("p", "failover: tertiary")),
        "7: records[3].sets[0].failover is 'tertiary'; expected one of primary, secondary",
    ),
    "1.7 one primary": (
        group("failover", P, one("q", "failover: primary, health_check: a")),
        "8: records[3].sets[1].failover: 'primary' is already on line 7 of this record",
    ),
    "1.7 one secondary": (
        group("failover", one("q", "failover: secondary"), one("r", "failover: secondary")),
        "8: records[3].sets[1].failover: 'secondary' is already on line 7 of this record",
    ),
    "1.9 unknown health check": (
        group("weighted", one("a", "weight: 1, health_check: nobody")),
        "7: health check 'nobody' is not defined",
    ),
    # §3.1
    "3.1 an alias needs a target": (
        f"{{name: x, type: A, alias: {{{ETH}}}}}",
        "6: records[3].alias has no 'target'",
    ),
    "3.1 an alias has no ttl": (
        "{name: x, type: A, ttl: 60, alias: {target: ns1}}",
        "6: records[3].ttl stands beside 'alias'; its target's counts",
    ),
    "3.1 the health of CloudFront is not evaluated": (
        "{name: x, type: A, alias: {target: D1.CloudFront.net.,\n    evaluate_target_health: true}}",
        "7: records[3].alias.evaluate_target_health must be false for CloudFront, which has no health to"
        " evaluate (alias-trees.md §3.1)",
    ),
    "3.1 no CNAME alias at the apex": (
        "{name: c, type: CNAME, ttl: 1, values: [ns1]}\n  - {name: '@', type: CNAME, alias: {target: c}}",
        "7: owner 'r.test.' has CNAME and SOA, NS; a CNAME must be alone (RFC 1034 §3.6.2)",
    ),
    "3.3 a loop": (
        "{name: x, type: A, alias: {target: y}}\n  - {name: y, type: A, alias: {target: x}}",
        "7: alias loop of type A: x.r.test. -> y.r.test. -> x.r.test.",
    ),
    "unknown policy": (
        group("wieghted", W),
        "6: records[3].policy is 'wieghted'; expected one of simple, weighted, latency, failover,"
        " geolocation, geoproximity, multivalue, cidr; did you mean 'weighted'?",
    ),
    "capital letters": (
        group("Weighted", W),
        "6: records[3].policy is 'Weighted'; expected one of simple, weighted, latency, failover,"
        " geolocation, geoproximity, multivalue, cidr; did you mean 'weighted'?",
    ),
    "2.8 a role in capital letters": (
        group("failover", one("p", "failover: PRIMARY")),
        "7: records[3].sets[0].failover is 'PRIMARY'; expected one of primary, secondary; did you mean"
        " 'primary'?",
    ),
    "2.2 a weight in quotes": (
        group("weighted", one("a", "weight: '10'")),
        "7: records[3].sets[0].weight is '10'; expected a whole number from 0 to 255, got text; leave the"
        " quotes out",
    ),
    "3.1 a flag in quotes": (
        "{name: x, type: A, alias: {target: ns1, evaluate_target_health: 'true'}}",
        "6: records[3].alias.evaluate_target_health is 'true'; expected true or false, got text; leave the"
        " quotes out",
    ),
    "unknown key": (
        group("weighted", one("a", "weight: 1, wait: 2")),
        "7: unknown key 'records[3].sets[0].wait'; did you mean 'weight'?",
    ),
}


@pytest.mark.parametrize("rule", CASES)
async def test_a_wrong_file_is_one_clear_fault(rule: str, tmp_path: Path) -> None:
    entry, expected = CASES[rule]
    server = make_server(tmp_path, policy_text(f"  - {entry}", ("a",)))

    with pytest.raises(ZoneDataError) as caught:
        await server.start()

    errors = [fault for fault in caught.value.faults if fault.is_error]
    assert [f"{fault.line}: {fault.reason}" for fault in errors] == [expected]
    assert {Path(fault.file).name for fault in errors} == {"r.test.yaml"}
    assert not server.snapshot.catalog.zones
    await server.stop()
