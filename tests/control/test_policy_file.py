"""A sound policy file gives records, groups and health checks."""

from __future__ import annotations

from pathlib import Path

from r53lite.config.yaml_file import parse_yaml
from r53lite.control.policy_file import read_policy_file
from r53lite.dns import rrtypes
from r53lite.dns.name import parse_name
from r53lite.errors import Faults
from r53lite.routing.record_set import AliasTarget, CidrLocation, GeoLocation, GeoProximity, RecordSet
from r53lite.zone.builder import build_zone
from r53lite.zone.model import Zone
from tests.control.policy_texts import read_sound, shown

EXAMPLE = parse_name("example.com.")


# --- sound files --------------------------------------------------------------------------------------------

WHOLE_ZONE = """\
zone: Example.COM
records:
  - {name: "@", type: SOA, ttl: 900, values: [ns1 hostmaster.example.com. 1 7200 900 1209600 300]}
  - {name: "@", type: NS, ttl: 3600, values: [ns1, ns.example.net.]}
  - {name: ns1, type: A, ttl: 3600, values: [192.0.2.53]}
  - name: mail.example.com.
    type: mx
    ttl: 0
    values:
      - 10 mx1
      - 20 mx2.example.com.
  - {name: "*.w", type: CNAME, ttl: 60, policy: simple, values: ["@"]}
  - {name: txt, type: TXT, ttl: 60, values: ['"v=spf1 -all"', '"a\\"b\\065" "c"', "plain"]}
  - {name: 1, type: TYPE65400, ttl: 60, values: ['\\# 2 abcd']}
"""


def test_a_file_may_hold_a_whole_zone() -> None:
    policy_file = read_sound(WHOLE_ZONE)
    assert policy_file.origin == EXAMPLE
    assert (policy_file.groups, policy_file.health_checks, policy_file.references) == ((), (), ())
    assert shown(policy_file) == [
        "3: example.com. 900 SOA ns1.example.com. hostmaster.example.com. 1 7200 900 1209600 300",
        "4: example.com. 3600 NS ns1.example.com.",
        "4: example.com. 3600 NS ns.example.net.",
        "5: ns1.example.com. 3600 A 192.0.2.53",
        "10: mail.example.com. 0 MX 10 mx1.example.com.",
        "11: mail.example.com. 0 MX 20 mx2.example.com.",
        "12: *.w.example.com. 60 CNAME example.com.",
        '13: txt.example.com. 60 TXT "v=spf1 -all"',
        '13: txt.example.com. 60 TXT "a\\"bA" "c"',
        '13: txt.example.com. 60 TXT "plain"',
        "14: 1.example.com. 60 TYPE65400 \\# 2 abcd",
    ]
    assert {record.file for record in policy_file.records} == {"example.com.yaml"}
    zone = build_zone(policy_file.origin, policy_file.records, policy_file.groups, [], ("example.com.yaml",))
    assert isinstance(zone, Zone)
    assert zone.record_count == 11


GROUPS = """\
zone: example.com.
records:
  - {name: www, type: A, ttl: 60, policy: weighted, sets: [
      {id: blue,   weight: 40, values: [127.53.1.1], health_check: blue},
      {id: canary, weight: 0, values: [127.53.1.3, 127.53.1.4], health_check: canary}]}
  - name: api
    type: AAAA
    policy: latency
    ttl: 60
    sets:
      - id: use1
        region: us-east-1
        values: ["2001:db8::1"]
      - {region: eu-west-1, id: euw1, values: ["2001:db8::2"], ttl: 30, health_check: blue}
  - {name: pool, type: TXT, policy: multivalue, sets: [{id: 1, ttl: 5, values: [a]}]}
  - {name: www, type: AAAA, policy: weighted, sets: [{id: c, ttl: 9, weight: 255, values: ["::1"]}]}
  - {name: alias, type: CNAME, ttl: 1, policy: weighted, sets: [{id: a, weight: 1, values: [www]}]}
health_checks:
  blue: {type: HTTP, ip: 127.53.1.1}
"""


def test_a_record_with_a_policy_is_a_group() -> None:
    www, api, pool, *_ = read_sound(GROUPS).groups
    assert (www.owner, www.rrtype, www.policy) == (parse_name("www.example.com."), rrtypes.A, "weighted")
    assert (www.file, www.line, www.ttl) == ("example.com.yaml", 3, 60)
    assert www.sets == (
        RecordSet("blue", 60, (bytes([127, 53, 1, 1]),), "blue", weight=40, line=4),
        RecordSet("canary", 60, (bytes([127, 53, 1, 3]), bytes([127, 53, 1, 4])), "canary", weight=0, line=5),
    )
    assert (api.policy, api.line, api.ttl) == ("latency", 6, 30)
    assert [(one.id, one.region, one.ttl, one.line) for one in api.sets] == [
        ("use1", "us-east-1", 60, 11),
        ("euw1", "eu-west-1", 30, 14),
    ]
    assert pool.sets == (RecordSet("1", 5, (b"\x01a",), line=15),)


def test_references_keep_the_line_that_names_the_check() -> None:
    policy_file = read_sound(GROUPS)
    assert policy_file.references == (("blue", 4), ("canary", 5), ("blue", 14))
    assert [(check.id, line) for check, line in policy_file.health_checks] == [("blue", 19)]


POLICIES_AND_ALIASES = """\
zone: example.com.
records:
  - {name: f, type: A, policy: failover, sets: [
      {id: p, failover: primary, alias: {target: www, evaluate_target_health: true}},
      {id: s, failover: secondary, ttl: 60, values: [192.0.2.9]}]}
  - {name: g, type: A, ttl: 5, policy: geolocation, sets: [
      {id: eu, location: {continent: EU}, values: [192.0.2.1]},
      {id: "no", location: {country: NO}, values: [192.0.2.2]},
      {id: ca, location: {country: US, subdivision: CA}, values: [192.0.2.3]},
      {id: all, location: {country: "*"}, values: [192.0.2.4]}]}
  - {name: x, type: A, ttl: 5, policy: geoproximity, sets: [
      {id: va, at: {region: us-east-1}, values: [192.0.2.1]},
      {id: ldn, at: {coordinates: ["51.5", -0.12]}, bias: -10, values: [192.0.2.2]},
      {id: la, at: {local_zone_group: us-west-2-lax-1}, values: [192.0.2.3]}]}
  - {name: c, type: A, ttl: 5, policy: cidr, sets: [
      {id: berlin, cidr: {collection: offices, location: berlin}, values: [192.0.2.1]},
      {id: all, cidr: {collection: offices, location: "*"}, values: [192.0.2.2]}]}
  - {name: s, type: A, alias: {target: elsewhere.example.}, health_check: blue}
  - {name: h, type: A, ttl: 7, values: [192.0.2.1], health_check: blue}
cidr_collections:
  offices: {berlin: [198.51.100.0/24], tokyo: ["2001:db8::/48", 203.0.113.0/24]}
health_checks:
  blue: {type: HTTP, ip: 127.53.1.1}
"""


def test_every_policy_has_its_fields() -> None:
    policy_file = read_sound(POLICIES_AND_ALIASES)
    failover, geolocation, geoproximity, cidr, alias, checked = policy_file.groups
    target = AliasTarget(parse_name("www.example.com."), rrtypes.A, True)
    assert [(one.failover, one.alias, one.ttl) for one in failover.sets] == [
        ("primary", target, 0),
        ("secondary", None, 60),
    ]
    assert [one.location for one in geolocation.sets] == [
        GeoLocation(continent="EU"),
        GeoLocation(country="NO"),
        GeoLocation(country="US", subdivision="CA"),
        GeoLocation(country="*"),
    ]
    assert [one.at for one in geoproximity.sets] == [
        GeoProximity(region="us-east-1"),
        GeoProximity(coordinates=(51.5, -0.12), bias=-10),
        GeoProximity(coordinates=(34.05, -118.24), local_zone_group="us-west-2-lax-1"),
    ]
    assert [one.cidr for one in cidr.sets] == [
        CidrLocation("offices", "berlin", 16),
        CidrLocation("offices", "*", 17),
    ]
    outside = AliasTarget(parse_name("elsewhere.example."), rrtypes.A)
    assert (alias.policy, alias.sets) == ("simple", (RecordSet("", 0, (), "blue", alias=outside, line=18),))
    assert checked.sets == (RecordSet("", 7, (bytes([192, 0, 2, 1]),), "blue", line=19),)
    assert policy_file.references == (("blue", 18), ("blue", 19))


def test_cidr_collections_have_blocks_and_locations() -> None:
    ((collection, line),) = read_sound(POLICIES_AND_ALIASES).cidr_collections
    assert (collection.name, collection.locations, line) == ("offices", ("berlin", "tokyo"), 21)
    assert [(str(block), location) for block, location in collection.blocks] == [
        ("198.51.100.0/24", "berlin"),
        ("2001:db8::/48", "tokyo"),
        ("203.0.113.0/24", "tokyo"),
    ]


def test_a_file_may_hold_only_collections() -> None:
    policy_file = read_sound("cidr_collections: {offices: {berlin: [198.51.100.0/24]}}\n")
    assert policy_file.origin is None
    assert [collection.name for collection, _ in policy_file.cidr_collections] == ["offices"]


def test_a_value_written_twice_in_a_set_is_a_warning() -> None:
    faults = Faults("f")
    sets = "[{id: a, values: [1.1.1.1, 1.1.1.1]}]"
    text = f"zone: a\nrecords: [{{name: w, type: A, ttl: 1, policy: multivalue, sets: {sets}}}]"
    policy_file = read_policy_file(parse_yaml(text, faults), faults)
    assert [str(fault) for fault in faults.items] == [
        "f:2: warning: records[0].sets[0].values holds a value twice; it counts once"
    ]
    assert policy_file is not None
    assert policy_file.groups[0].sets[0].rdatas == (bytes([1, 1, 1, 1]),)


def test_a_file_may_hold_only_health_checks() -> None:
    policy_file = read_sound("health_checks: {blue: {type: HTTP, ip: 127.0.0.1}}\n")
    assert policy_file.origin is None
    assert [check.id for check, _ in policy_file.health_checks] == ["blue"]


def test_a_zone_without_records_is_sound() -> None:
    assert read_sound("zone: example.com\n").origin == EXAMPLE


def test_the_zones_of_this_repository_are_sound() -> None:
    files = sorted((Path(__file__).parents[2] / "zones").glob("*.yaml"))
    texts = [path.read_text(encoding="utf-8") for path in files if path.name != "locations.yaml"]
    assert texts
    for text in texts:
        assert read_sound(text).groups
