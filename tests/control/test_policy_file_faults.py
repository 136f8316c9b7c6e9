"""Every fault of a policy file has its line and says what was expected."""

from __future__ import annotations

import pytest

from tests.control.policy_texts import faults_of, read

# --- faults of the file -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1: the file is empty; expected 'zone' and 'records', or 'health_checks'"),
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


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("- a\n", "1: the document is a list; expected a mapping"),
        ("\nx\n", "2: the document is 'x'; expected a mapping"),
        ("", "1: the file is empty; expected 'zone' and 'records', or 'health_checks'"),
        ("# nothing\n", "1: the file is empty; expected 'zone' and 'records', or 'health_checks'"),
    ],
)
def test_what_is_no_mapping_is_one_fault(text: str, fault: str) -> None:
    assert read(text)[1] == [fault]


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
            " geolocation, geoproximity, multivalue, cidr; did you mean 'weighted'?",
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
        ("{id: b, weight: 1,\n alias: null}", "6: records[0].sets[1].alias has no 'target'"),
        ("{id: b, weight: 1,\n alias: ns1}", "6: records[0].sets[1].alias is 'ns1'; expected a mapping"),
        ("{id: b, weight: 1,\n alias: [ns1]}", "6: records[0].sets[1].alias is a list; expected a mapping"),
        (
            "{id: b, weight: 1, values: [192.0.2.1],\n ttl: 61}",
            "6: records[0]: weighted sets must have one ttl; 'b' has 61, 'a' has 60",
        ),
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


def test_a_weighted_set_with_the_ttl_of_the_record_differs_at_its_own_line() -> None:
    first = "{id: b, values: [192.0.2.1], weight: 1,\n ttl: 5}"
    assert set_faults("weighted", first, GOOD) == [
        "6: records[0]: weighted sets must have one ttl; 'a' has 60, 'b' has 5"
    ]


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


def test_400_values_of_4000_characters_are_the_limit() -> None:
    value = " ".join(["x" * 249] * 16)
    values = ", ".join([value, *map(str, range(399))])
    assert faults_of(f"{{name: w, type: TXT, ttl: 1, values: [{values}]}}") == []


def test_more_blocks_than_route_53_has_are_a_warning() -> None:
    blocks = [f"10.{number // 250}.{number % 250}.0/24" for number in range(1001)]
    text = "zone: a\ncidr_collections:\n  c: {{here: [{}]}}\n"
    assert read(text.format(", ".join(blocks[:1000])))[1] == []
    assert read(text.format(", ".join(blocks)))[1] == [
        "3: CIDR collection 'c' has 1001 blocks; Route 53's quota is 1000 (records-and-changes.md §1.8)"
    ]


def test_an_alias_to_cloudfront_that_does_not_evaluate_health() -> None:
    assert faults_of("{name: w, type: A, alias: {target: d1.cloudfront.net.}}") == []


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


def test_a_failover_alias_that_never_fails_is_a_warning() -> None:
    faults = set_faults("failover", "{id: p, failover: primary, alias: {target: www}}")
    reason = "a failover alias without 'evaluate_target_health' never fails over"
    assert faults == [f"4: records[0].sets[0].alias: {reason}"]
