"""A policy file gives records, groups and health checks; every fault has its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from r53lite.config.yaml_file import parse_yaml
from r53lite.control.policy_file import PolicyFile, read_policy_file
from r53lite.dns import rrtypes
from r53lite.dns.name import format_name, parse_name
from r53lite.dns.presentation import format_rdata
from r53lite.errors import Faults
from r53lite.routing.record_set import AliasTarget, CidrLocation, GeoLocation, GeoProximity, RecordSet
from r53lite.zone.builder import build_zone
from r53lite.zone.model import Zone

EXAMPLE = parse_name("example.com.")


def read(text: str) -> tuple[PolicyFile | None, list[str]]:
    """Read a policy file; return what it holds and its faults as `line: reason`, in the order of lines."""
    faults = Faults("example.com.yaml")
    policy_file = read_policy_file(parse_yaml(text, faults), faults)
    items = sorted(faults.items, key=lambda fault: fault.line)
    return policy_file, [f"{fault.line}: {fault.reason}" for fault in items]


def read_sound(text: str) -> PolicyFile:
    """Read a policy file that must have no fault."""
    policy_file, faults = read(text)
    assert faults == []
    assert policy_file is not None
    return policy_file


def faults_of(entry: str) -> list[str]:
    """Return the faults of one entry of `records`, which begins on line 3."""
    return read(f"zone: example.com\nrecords:\n  - {entry}\n")[1]


def shown(policy_file: PolicyFile) -> list[str]:
    """Return the plain records as `line: owner ttl type rdata`."""
    return [
        f"{record.line}: {format_name(record.owner)} {record.ttl} {rrtypes.format_rrtype(record.rrtype)}"
        f" {format_rdata(record.rrtype, record.rdata)}"
        for record in policy_file.records
    ]


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
      {id: ldn, at: {coordinates: [51.5, -0.12]}, bias: -10, values: [192.0.2.2]}]}
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
    ]
    assert [one.cidr for one in cidr.sets] == [
        CidrLocation("offices", "berlin"),
        CidrLocation("offices", "*"),
    ]
    outside = AliasTarget(parse_name("elsewhere.example."), rrtypes.A)
    assert (alias.policy, alias.sets) == ("simple", (RecordSet("", 0, (), "blue", alias=outside, line=17),))
    assert checked.sets == (RecordSet("", 7, (bytes([192, 0, 2, 1]),), "blue", line=18),)
    assert policy_file.references == (("blue", 17), ("blue", 18))


def test_cidr_collections_have_blocks_and_locations() -> None:
    ((collection, line),) = read_sound(POLICIES_AND_ALIASES).cidr_collections
    assert (collection.name, collection.locations, line) == ("offices", ("berlin", "tokyo"), 20)
    assert [(str(block), location) for block, location in collection.blocks] == [
        ("198.51.100.0/24", "berlin"),
        ("2001:db8::/48", "tokyo"),
        ("203.0.113.0/24", "tokyo"),
    ]


def test_a_file_may_hold_only_collections() -> None:
    policy_file = read_sound("cidr_collections: {offices: {berlin: [198.51.100.0/24]}}\n")
    assert policy_file.origin is None
    assert [collection.name for collection, _ in policy_file.cidr_collections] == ["offices"]


def test_a_failover_alias_that_never_fails_is_a_warning() -> None:
    faults = set_faults("failover", "{id: p, failover: primary, alias: {target: www}}")
    reason = "a failover alias without 'evaluate_target_health' never fails over"
    assert faults == [f"4: records[0].sets[0].alias: {reason}"]


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


# --- faults of the file -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "0: the file is empty; expected 'zone' and 'records', or 'health_checks'"),
        ("[]", "1: the document is a list; expected a mapping"),
        ("records: []", "1: the document has no 'zone'"),
        ("zone: a..b", "1: zone: empty label in name 'a..b'"),
        ("zone: a\nrecord: []", "2: unknown key 'record'; did you mean 'records'?"),
        ("zone: a\nzone: b", "2: 'zone' is written twice"),
        ("zone: a\nrecords: x", "2: records is 'x'; expected a list"),
        ("zone: a\nrecords: [x]", "2: records[0] is 'x'; expected a mapping"),
    ],
)
def test_a_fault_of_the_file(text: str, expected: str) -> None:
    assert expected in read(text)[1]


def test_what_is_not_yaml_has_one_fault() -> None:
    policy_file, (fault,) = read("zone: [\n")
    assert policy_file is None
    assert "not valid YAML" in fault


def test_records_are_read_for_their_faults_even_without_a_zone() -> None:
    policy_file, faults = read("records:\n  - {name: a, type: A, ttl: 1, values: [x]}\n")
    assert [fault.split(":")[0] for fault in faults] == ["1", "2"]
    assert policy_file is not None
    assert policy_file.origin is None
    assert policy_file.records == ()


def test_one_name_and_type_in_two_entries() -> None:
    entry = "{name: www, type: A, ttl: 60, values: [192.0.2.1]}"
    other = (
        "{name: WWW.example.com., type: A, ttl: 60, policy: multivalue, sets: [{id: a, values: [192.0.2.1]}]}"
    )
    policy_file, faults = read(f"zone: example.com\nrecords:\n  - {entry}\n  - {other}\n")
    assert faults == ["4: records[1]: 'www.example.com.' A is already on line 3; write one entry"]
    assert policy_file is not None
    assert (len(policy_file.records), len(policy_file.groups)) == (1, 0)


# --- faults of an entry -------------------------------------------------------------------------------------

PLAIN = "name: www\n    type: A\n    ttl: 60\n    "


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("{type: A, ttl: 1, values: [192.0.2.1]}", "3: records[0] has no 'name'"),
        ("{name: www, ttl: 1, values: [192.0.2.1]}", "3: records[0] has no 'type'"),
        ("{name: www, type: A, values: [192.0.2.1]}", "3: records[0] has no 'ttl'"),
        ("{name: www, type: A, ttl: 1}", "3: records[0] has no 'values'"),
        (f"{PLAIN}values: []", "6: records[0].values is empty; expected at least one"),
        (f"{PLAIN}values: 192.0.2.1", "6: records[0].values is '192.0.2.1'; expected a list"),
        (
            f"{PLAIN}values:\n      - 192.0.2.1\n      - 192.0.2.256",
            "8: records[0].values: '192.0.2.256' is not an IPv4 address; expected four numbers up to"
            " 255 with dots",
        ),
        (
            f"{PLAIN}vlaues: []\n    values: [192.0.2.1]",
            "6: unknown key 'records[0].vlaues'; did you mean 'values'?",
        ),
        (
            "name: www\n    type: A\n    values: [192.0.2.1]\n    ttl: 1h",
            "6: records[0].ttl is '1h'; expected a whole number from 0 to 2147483647",
        ),
        (
            "name: www\n    type: AAA\n    ttl: 1\n    values: [192.0.2.1]",
            "4: records[0].type: unknown record type 'AAA'",
        ),
        (
            "{name: www, type: ANY, ttl: 1, values: [x]}",
            "3: records[0].type: ANY is for questions and holds no data (RFC 6895 §3.1)",
        ),
        (
            "{name: a..b, type: A, ttl: 1, values: [192.0.2.1]}",
            "3: records[0].name: empty label in name 'a..b'",
        ),
        (
            "{name: www.example.net., type: A, ttl: 1, values: [192.0.2.1]}",
            "3: records[0].name: owner 'www.example.net.' is outside the zone 'example.com.'",
        ),
        (
            "name: www\n    type: CNAME\n    ttl: 1\n    values:\n      - a\n      - b",
            "8: records[0].values holds 2 values; a CNAME record has exactly one",
        ),
        (
            "{name: '@', type: SOA, ttl: 1, values: [a b 1 1 1 1 1, a b 2 1 1 1 1]}",
            "3: records[0].values holds 2 values; a SOA record has exactly one",
        ),
        (
            f"{PLAIN}policy: weihgted",
            "6: records[0].policy is 'weihgted'; expected one of simple, weighted, latency, failover,"
            " geolocation, geoproximity, multivalue, cidr",
        ),
        (
            f"{PLAIN}sets: [{{id: a, values: [192.0.2.1]}}]",
            "6: records[0].sets needs a policy, one of weighted, latency, failover, geolocation,"
            " geoproximity, multivalue, cidr; without one expected 'values'",
        ),
    ],
)
def test_a_fault_of_a_record(entry: str, expected: str) -> None:
    assert faults_of(entry) == [expected]


# --- faults of sets -----------------------------------------------------------------------------------------


def set_faults(policy: str, *sets: str, head: str = "ttl: 60, ") -> list[str]:
    """Return the faults of a group: the entry is on line 3, its first set on line 4."""
    body = ",\n      ".join(sets)
    return faults_of(f"{{name: www, type: A, {head}policy: {policy}, sets: [\n      {body}]}}")


GOOD = "{id: a, values: [192.0.2.1], weight: 1}"


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ("{values: [192.0.2.1], weight: 1}", "5: records[0].sets[1] has no 'id'"),
        (
            "{id: '', values: [192.0.2.1], weight: 1}",
            "5: records[0].sets[1].id has 0 characters; expected 1 to 128",
        ),
        (
            "{values: [192.0.2.1], weight: 1,\n id: a}",
            "6: records[0].sets[1].id: 'a' is already on line 4 of this record",
        ),
        (
            f"{{id: {'x' * 129}, values: [192.0.2.1], weight: 1}}",
            "5: records[0].sets[1].id has 129 characters; expected 1 to 128",
        ),
        ("{id: b, values: [192.0.2.1]}", "5: records[0].sets[1] has no 'weight'"),
        (
            "{id: b, values: [192.0.2.1],\n weight: 256}",
            "6: records[0].sets[1].weight is '256'; expected a whole number from 0 to 255",
        ),
        (
            "{id: b, values: [192.0.2.1], weight: -1}",
            "5: records[0].sets[1].weight is '-1'; expected a whole number from 0 to 255",
        ),
        (
            "{id: b, values: [192.0.2.1], weight: 1.5}",
            "5: records[0].sets[1].weight is '1.5'; expected a whole number from 0 to 255",
        ),
        ("{id: b, weight: 1}", "5: records[0].sets[1] has no 'values'"),
        ("{id: b, weight: 1, values: []}", "5: records[0].sets[1].values is empty; expected at least one"),
        (
            "{id: b, weight: 1, values: [192.0.2.1,\n x]}",
            "6: records[0].sets[1].values: 'x' is not an IPv4 address; expected four numbers up to 255"
            " with dots",
        ),
        ("b", "5: records[0].sets[1] is 'b'; expected a mapping"),
        (
            "{id: b, weight: 1, values: [192.0.2.1], wieght: 1}",
            "5: unknown key 'records[0].sets[1].wieght'; did you mean 'weight'?",
        ),
        (
            "{id: b, weight: 1, values: [192.0.2.1], region: us-east-1}",
            "5: records[0].sets[1].region belongs to policy latency; this is policy weighted",
        ),
        (
            "{id: b, weight: 1, values: [192.0.2.1], failover: primary}",
            "5: records[0].sets[1].failover belongs to policy failover; this is policy weighted",
        ),
        ("{id: b, weight: 1, alias: {}}", "5: records[0].sets[1].alias has no 'target'"),
        (
            "{id: b, weight: 1, values: [192.0.2.1], ttl: 61}",
            "5: records[0]: weighted sets must have one ttl; 'b' has 61, 'a' has 60",
        ),
        (
            "{id: b, weight: 1, values: [192.0.2.1], ttl: -1}",
            "5: records[0].sets[1].ttl is '-1'; expected a whole number from 0 to 2147483647",
        ),
    ],
)
def test_a_fault_of_a_set(second: str, expected: str) -> None:
    assert set_faults("weighted", GOOD, second) == [expected]


def test_a_ttl_is_needed_from_the_record_or_from_each_set() -> None:
    with_ttl = "{id: b, values: [192.0.2.1], weight: 1, ttl: 5}"
    assert set_faults("weighted", with_ttl, head="") == []
    assert set_faults("weighted", GOOD, with_ttl, head="") == ["4: records[0].sets[0] has no 'ttl'"]


def test_ttls_may_differ_under_other_policies() -> None:
    assert (
        set_faults("multivalue", "{id: a, values: [192.0.2.1]}", "{id: b, ttl: 5, values: [192.0.2.2]}") == []
    )


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ("{id: b, values: [192.0.2.1]}", "5: records[0].sets[1] has no 'region'"),
        (
            "{id: b, values: [192.0.2.1], region: eu-wst-1}",
            "5: records[0].sets[1].region: unknown region 'eu-wst-1'; did you mean 'eu-west-1'?",
        ),
        (
            "{id: b, values: [192.0.2.1], region: us-east-1}",
            "5: records[0].sets[1].region: 'us-east-1' is already on line 4 of this record",
        ),
        (
            "{id: b, values: [192.0.2.1], region: eu-west-1, weight: 1}",
            "5: records[0].sets[1].weight belongs to policy weighted; this is policy latency",
        ),
    ],
)
def test_a_fault_of_a_latency_set(second: str, expected: str) -> None:
    assert set_faults("latency", "{id: a, values: [192.0.2.1], region: us-east-1}", second) == [expected]


@pytest.mark.parametrize(
    ("rrtype", "policy", "value"),
    [
        ("CNAME", "multivalue", "a"),
        ("NS", "multivalue", "a"),
        ("NS", "weighted", "a"),
        ("NS", "latency", "a"),
        ("SOA", "weighted", "a b 1 1 1 1 1"),
        ("DS", "weighted", "1 13 2 " + "00" * 32),
        ("DNAME", "weighted", "a"),
    ],
)
def test_types_that_a_policy_cannot_choose(rrtype: str, policy: str, value: str) -> None:
    key = {"weighted": ", weight: 1", "latency": ", region: us-east-1"}.get(policy, "")
    entry = (
        f"{{name: w, type: {rrtype}, ttl: 1, policy: {policy}, sets: [{{id: a, values: [{value}]{key}}}]}}"
    )
    assert faults_of(entry) == [f"3: records[0]: policy {policy} cannot choose {rrtype} records"]


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        ("", "3: records[0] has no 'sets'"),
        (", sets: []", "3: records[0].sets is empty; expected at least one"),
        (", sets: {}", "3: records[0].sets is a mapping; expected a list"),
        (
            ", values: [192.0.2.1], sets: [{id: a, values: [192.0.2.1]}]",
            "3: records[0].values stands beside policy multivalue; expected 'sets', each with its 'values'",
        ),
    ],
)
def test_a_fault_of_the_list_of_sets(sets: str, expected: str) -> None:
    assert faults_of(f"{{name: w, type: A, ttl: 1, policy: multivalue{sets}}}") == [expected]


def test_100_sets_are_the_limit() -> None:
    sets = [f"{{id: {number}, values: [192.0.2.{number}]}}" for number in range(101)]
    assert set_faults("multivalue", *sets[:100]) == []
    assert set_faults("multivalue", *sets) == ["3: records[0].sets holds 101 sets; the limit is 100"]


def test_several_values_for_a_cname_set() -> None:
    entry = "{name: w, type: CNAME, ttl: 1, policy: weighted, sets: [{id: a, weight: 1, values: [a, b]}]}"
    assert faults_of(entry) == ["3: records[0].sets[0].values holds 2 values; a CNAME record has exactly one"]


# --- many faults --------------------------------------------------------------------------------------------

MANY = """\
zone: example.com
record: []
records:
  - {name: a, type: A, values: [x]}
  - {name: b, type: A, ttl: 1, policy: weighted, sets: [
      {id: a, values: [192.0.2.1], weight: 300},
      {id: a, values: [y], weight: 1, health_check: blue}]}
  - {name: c, type: A, policy: geolocation}
health_checks:
  blue: {type: TCP}
  green: {type: HTTP, ip: 1.2.3}
"""


def test_all_faults_come_together() -> None:
    assert [fault.split(":")[0] for fault in read(MANY)[1]] == [*"2446778", "10", "11"]


def test_a_faulty_file_still_tells_what_other_files_need() -> None:
    policy_file, _ = read(MANY)
    assert policy_file is not None
    assert policy_file.references == (("blue", 7),)
    assert [check.id for check, _ in policy_file.health_checks] == ["blue", "green"]
