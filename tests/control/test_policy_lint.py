"""`r53lite check` warns of policies that do not do what they seem to, and of nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from r53lite.cli.main import main
from r53lite.routing.places import COUNTRY_CONTINENT
from tests.routing.odds_cases import APEX

CHECKS = "health_checks:\n" + "".join(f"  {check}: {{type: HTTP, ip: 127.0.0.1}}\n" for check in "abcd")
USE_ALL = (
    "  - {name: all, type: A, ttl: 9, policy: multivalue, sets: ["
    + ", ".join(
        f"{{id: {check}, values: [192.0.2.{n}], health_check: {check}}}" for n, check in enumerate("abcd")
    )
    + "]}\n"
)
COLLECTIONS = "cidr_collections:\n  offices: {berlin: [198.51.100.0/24], tokyo: [203.0.113.0/24]}\n"
LOCATIONS = (
    "networks:\n  - {cidr: 198.51.100.0/24, country: DE, continent: EU}\n"
    "  - {cidr: 203.0.113.0/24, country: AU, continent: OC}\n"
)


def entry(policy: str, *sets: str, ttl: int = 9, name: str = "w") -> str:
    lines = "".join(f"      - {{{one}}}\n" for one in sets)
    return f"  - name: {name}\n    type: A\n    ttl: {ttl}\n    policy: {policy}\n    sets:\n{lines}"


def warnings(directory: Path, *entries: str, extra: str = USE_ALL, locations: str = LOCATIONS) -> list[str]:
    """Return the warnings of a zone with some entries, without file and line."""
    text = f"zone: t.test\nrecords:\n{APEX}{extra}{''.join(entries)}{CHECKS}{COLLECTIONS}"
    (directory / "t.test.yaml").write_text(text, encoding="utf-8")
    (directory / "locations.yaml").write_text(locations, encoding="utf-8")
    result = CliRunner().invoke(main, ["check", str(directory)])
    assert result.exit_code == 0, result.output
    return [line.split(": warning: ")[1] for line in result.stdout.splitlines()]


def test_a_geolocation_group_without_default_names_networks_that_get_nothing(tmp_path: Path) -> None:
    (warning,) = warnings(
        tmp_path,
        entry("geolocation", "id: eu, location: {continent: EU}, values: [192.0.2.1]"),
    )
    assert warning.startswith(
        "w.t.test. A has no default set: clients such as 203.0.113.0/24 (AU), 192.0.2.0/24"
    )
    assert "198.51.100.0/24" not in warning


def test_a_cidr_group_without_default_names_networks_that_get_nothing(tmp_path: Path) -> None:
    (warning,) = warnings(
        tmp_path,
        entry("cidr", "id: b, cidr: {collection: offices, location: berlin}, values: [192.0.2.1]"),
    )
    assert "has no default set: clients such as 203.0.113.0/24, 192.0.2.0/24" in warning


@pytest.mark.parametrize(
    "group",
    [
        entry(
            "geolocation",
            "id: eu, location: {continent: EU}, values: [192.0.2.1], health_check: a",
            "id: all, location: {country: '*'}, values: [192.0.2.2]",
        ),
        entry(
            "cidr",
            "id: b, cidr: {collection: offices, location: berlin}, values: [192.0.2.1], health_check: a",
            "id: all, cidr: {collection: offices, location: '*'}, values: [192.0.2.2]",
        ),
        entry(
            "failover",
            "id: p, failover: primary, values: [192.0.2.1], health_check: a",
            "id: s, failover: secondary, values: [192.0.2.2]",
        ),
        entry(
            "latency",
            "id: us, region: us-east-1, values: [192.0.2.1], health_check: a",
            "id: eu, region: eu-west-1, values: [192.0.2.2], health_check: b",
        ),
        entry(
            "geoproximity",
            "id: us, at: {region: us-east-1}, bias: 99, values: [192.0.2.1], health_check: a",
            "id: eu, at: {region: eu-west-1}, bias: -99, values: [192.0.2.2], health_check: b",
        ),
        entry(
            "weighted",
            "id: a, weight: 1, values: [192.0.2.1], health_check: a",
            "id: b, weight: 0, values: [192.0.2.2], health_check: b",
        ),
    ],
    ids=lambda group: group.split("policy: ")[1].split()[0],
)
def test_groups_that_survive_any_one_failure_are_not_warned_of(tmp_path: Path, group: str) -> None:
    assert warnings(tmp_path, group) == []


def test_a_zero_weight_without_a_check_takes_over_in_silence(tmp_path: Path) -> None:
    group = entry(
        "weighted",
        "id: a, weight: 1, values: [192.0.2.1], health_check: a",
        "id: z, weight: 0, values: [192.0.2.2]",
    )
    (warning,) = warnings(tmp_path, group)
    assert warning.startswith("w.t.test. A set 'z' has weight 0 and no health check: it takes all traffic")


def test_weights_of_zero_alone_switch_nothing_off(tmp_path: Path) -> None:
    sets = [f"id: s{number}, weight: 0, values: [192.0.2.{number}]" for number in range(2)]
    (warning,) = warnings(tmp_path, entry("weighted", *sets))
    assert "has weights of 0 alone" in warning


def test_a_zero_weight_beside_one_that_cannot_fail_never_answers(tmp_path: Path) -> None:
    group = entry(
        "weighted",
        "id: a, weight: 1, values: [192.0.2.1]",
        "id: z, weight: 0, values: [192.0.2.2]",
    )
    (warning,) = warnings(tmp_path, group)
    assert warning.startswith("w.t.test. A set 'z' can never answer: its weight is 0")


def test_a_location_without_blocks_and_a_place_behind_another_never_answer(tmp_path: Path) -> None:
    group = entry(
        "geoproximity",
        "id: a, at: {region: us-east-1}, values: [192.0.2.1]",
        "id: b, at: {region: us-east-1}, values: [192.0.2.2]",
    )
    (warning,) = warnings(tmp_path, group)
    assert warning.startswith("w.t.test. A set 'b' can never answer")


def test_a_group_that_one_failure_leaves_with_a_dead_target_has_its_counter_example(tmp_path: Path) -> None:
    group = entry(
        "weighted",
        "id: a, weight: 1, values: [192.0.2.1], health_check: a",
        "id: b, weight: 3, values: [192.0.2.2], health_check: a",
    )
    assert warnings(tmp_path, group) == [
        "w.t.test. A does not survive the failure of health check 'a': it then answers 192.0.2.2 (in 75% of"
        " answers); 192.0.2.1 (in 25% of answers)"
    ]


def test_a_disabled_check_never_fails(tmp_path: Path) -> None:
    group = entry("weighted", "id: a, weight: 1, values: [192.0.2.1], health_check: off")
    health = "health_checks:\n  off: {type: HTTP, ip: 127.0.0.1, disabled: true}\n"
    (tmp_path / "checks.yaml").write_text(health, encoding="utf-8")
    assert warnings(tmp_path, group) == []


def test_a_check_that_is_disabled_and_inverted_is_always_down(tmp_path: Path) -> None:
    group = entry(
        "weighted",
        "id: a, weight: 1, values: [192.0.2.1], health_check: off",
        "id: b, weight: 1, values: [192.0.2.2]",
    )
    health = "health_checks:\n  off: {type: HTTP, ip: 127.0.0.1, disabled: true, inverted: true}\n"
    (tmp_path / "checks.yaml").write_text(health, encoding="utf-8")
    (warning,) = warnings(tmp_path, group)
    assert warning.startswith("w.t.test. A set 'a' can never answer")


def test_survival_is_judged_through_alias_trees(tmp_path: Path) -> None:
    leaves = entry("weighted", "id: x, weight: 1, values: [192.0.2.1], health_check: a", name="leaf")
    backed = entry(
        "failover",
        "id: p, failover: primary, alias: {target: leaf, evaluate_target_health: true}",
        "id: s, failover: secondary, values: [192.0.2.9]",
    )
    found = warnings(tmp_path, leaves, backed)
    assert [warning.split()[0] for warning in found] == ["leaf.t.test."]


def test_a_long_ttl_with_health_checks_outlives_a_failure(tmp_path: Path) -> None:
    sets = [f"id: s{number}, values: [192.0.2.{number}], health_check: {'ab'[number]}" for number in range(2)]
    assert warnings(tmp_path, entry("multivalue", *sets, ttl=60)) == []
    (warning,) = warnings(tmp_path, entry("multivalue", *sets, ttl=61))
    assert "has TTL 61 and health checks" in warning


def test_health_checks_that_no_record_uses_are_told_with_their_line(tmp_path: Path) -> None:
    assert warnings(tmp_path, extra="") == [
        f"health check '{check}' is used by no record" for check in "abcd"
    ]


def test_no_word_about_policies_of_files_with_errors(tmp_path: Path) -> None:
    (tmp_path / "t.test.yaml").write_text(
        f"zone: t.test\nrecords:\n{APEX}{CHECKS}unknown: 1\n", encoding="utf-8"
    )
    result = CliRunner().invoke(main, ["check", str(tmp_path)])
    assert result.exit_code == 1
    assert "used by no record" not in result.stdout


def test_a_failure_after_which_nothing_is_answered_has_its_counter_example(tmp_path: Path) -> None:
    primary = "id: a, failover: primary, ttl: 9, values: [192.0.2.1], health_check: a"
    secondary = "id: b, failover: secondary, alias: {target: nowhere}"
    found = warnings(tmp_path, entry("failover", primary, secondary).replace("    ttl: 9\n", ""))
    reason = "w.t.test. A does not survive the failure of health check 'a': it then answers nothing"
    assert f"{reason} (in 100% of answers)" in found
    assert not any("never fails over" in warning for warning in found)  # that is for a primary


def test_aliases_to_names_outside_are_judged_by_the_settings_beside_the_zones(tmp_path: Path) -> None:
    outside = (
        "  - {name: lb, type: A, alias: {target: x.elb.amazonaws.com.}}\n"
        "  - {name: other, type: A, alias: {target: elsewhere.example.}}\n"
        "  - {name: six, type: AAAA, policy: failover, sets: [\n"
        "      {id: p, failover: primary,\n"
        "       alias: {target: x.elb.amazonaws.com., evaluate_target_health: true}},\n"
        "      {id: s, failover: secondary, ttl: 9, values: ['2001:db8::1']}]}\n"
    )
    without = warnings(tmp_path, outside)
    assert [warning.partition(",")[0] for warning in without[:3]] == [
        "lb.t.test. A the alias leads to x.elb.amazonaws.com.",
        "other.t.test. A the alias leads to elsewhere.example.",
        "six.t.test. AAAA set 'p' leads to x.elb.amazonaws.com.",
    ]
    settings = "targets: {'*.elb.amazonaws.com': [127.0.0.1]}\n"
    (tmp_path / "r53lite.yaml").write_text(settings, encoding="utf-8")
    assert warnings(tmp_path, outside) == [
        "other.t.test. A the alias leads to elsewhere.example., outside the zone: no entry of 'targets' in"
        " r53lite.yaml is for it, so the alias is unusable",
        "six.t.test. AAAA set 'p' can never answer: x.elb.amazonaws.com. has no address of this type",
    ]


def test_a_set_that_answers_while_one_shared_check_is_down_can_answer(tmp_path: Path) -> None:
    found = warnings(
        tmp_path,
        "  - {name: m, type: A, ttl: 5, values: [192.0.2.1]}\n",
        entry(
            "weighted",
            "id: a, weight: 1, values: [192.0.2.2], health_check: a",
            "id: b, weight: 1, values: [192.0.2.3], health_check: b",
            name="n",
        ),
        "  - {name: w, type: A, policy: failover, sets: [\n"
        "      {id: p, failover: primary, health_check: a,\n"
        "       alias: {target: m, evaluate_target_health: true}},\n"
        "      {id: s, failover: secondary, alias: {target: n, evaluate_target_health: true}}]}\n",
    )
    assert found == []


@pytest.mark.parametrize("target", ["'*'", "lb.example"])
def test_a_backup_behind_an_outside_name_that_is_resolved_can_answer(tmp_path: Path, target: str) -> None:
    (tmp_path / "r53lite.yaml").write_text(
        f"targets: {{'*.elb.amazonaws.com': {target}}}\n", encoding="utf-8"
    )
    outside = "alias: {target: x.elb.amazonaws.com., evaluate_target_health: true}"
    sets = (f"id: p, failover: primary, {outside}", "id: s, failover: secondary, ttl: 9, values: [192.0.2.1]")
    assert warnings(tmp_path, entry("failover", *sets).replace("    ttl: 9\n", "")) == []
    sets = (f"id: p, weight: 1, {outside}", "id: s, weight: 0, ttl: 9, values: [192.0.2.1]")
    (warning,) = warnings(tmp_path, entry("weighted", *sets).replace("    ttl: 9\n", ""))
    assert "set 's' has weight 0 and no health check" in warning


def test_a_set_that_answers_in_one_rare_health_state_can_answer(tmp_path: Path) -> None:
    """Both of the primary's checks are down, but not the other one of the secondary."""
    found = warnings(tmp_path, pair("one", "b", "c"), pair("two", "c", "d"), failover("one", "two"))
    assert found == []


def pair(name: str, first: str, second: str) -> str:
    """Return a weighted group of two checks."""
    sets = [f"id: {one}, weight: 1, values: [192.0.2.1], health_check: {one}" for one in (first, second)]
    return entry("weighted", *sets, name=name)


def failover(primary: str, secondary: str) -> str:
    """Return a failover group of two aliases."""
    return entry(
        "failover",
        f"id: p, failover: primary, alias: {{target: {primary}, evaluate_target_health: true}}",
        f"id: s, failover: secondary, alias: {{target: {secondary}, evaluate_target_health: true}}",
    ).replace("    ttl: 9\n", "")


def test_a_client_of_a_block_is_where_the_locations_say(tmp_path: Path) -> None:
    """198.51.100.0/24 is the office in Berlin, and in DE."""
    geo = entry(
        "geolocation", "id: de, location: {country: DE}, values: [192.0.2.1], health_check: a", name="geo"
    )
    sets = (
        "id: o, cidr: {collection: offices, location: berlin}, alias: {target: geo}",
        "id: x, cidr: {collection: offices, location: '*'}, ttl: 9, values: [192.0.2.2]",
    )
    found = warnings(tmp_path, geo, entry("cidr", *sets).replace("    ttl: 9\n", ""))
    assert not any("never answer" in warning for warning in found)
    assert (
        "w.t.test. A does not survive the failure of health check 'a': it then answers 192.0.2.1 (in 100% of"
        " answers) to a client in 198.51.100.0/24"
    ) in found


def test_clients_of_the_configured_networks_are_asked_for(tmp_path: Path) -> None:
    """Only who is in DE and nearest to us-east-1 gets what does not survive."""
    geo = entry(
        "geolocation",
        "id: de, location: {country: DE}, values: [192.0.2.1], health_check: a",
        "id: all, location: {country: '*'}, values: [192.0.2.2]",
        name="geo",
    )
    places = (
        "id: us, region: us-east-1, alias: {target: geo}",
        "id: eu, region: eu-west-1, alias: {target: b}",
    )
    below = entry("geolocation", "id: all, location: {country: '*'}, values: [192.0.2.3]", name="b")
    assert warnings(tmp_path, geo, below, entry("latency", *places).replace("    ttl: 9\n", "")) == []
    last = geo.replace("      - {id: all, location: {country: '*'}, values: [192.0.2.2]}\n", "")
    found = warnings(tmp_path, last, below, entry("latency", *places).replace("    ttl: 9\n", ""))
    assert any(
        one.startswith("w.t.test.") and one.endswith("to a client in 198.51.100.0/24") for one in found
    )


def test_a_rare_counter_example_has_its_share_as_a_fraction(tmp_path: Path) -> None:
    leaf = entry("weighted", "id: x, weight: 1, values: [192.0.2.1], health_check: a", name="leaf")
    sets = ("id: rare, weight: 1, alias: {target: leaf}", "id: b, weight: 255, ttl: 9, values: [192.0.2.2]")
    found = warnings(tmp_path, leaf, entry("weighted", *sets).replace("    ttl: 9\n", ""))
    assert any(warning.endswith("192.0.2.1 (in 1/256 of answers)") for warning in found)


def test_each_set_of_a_large_group_is_looked_at(tmp_path: Path) -> None:
    countries = [country for country in sorted(COUNTRY_CONTINENT) if country != "CN"][:70]
    sets = [f"id: {one}, location: {{country: {one}}}, values: [192.0.2.1]" for one in countries]
    sets.append("id: all, location: {country: '*'}, values: [192.0.2.2]")
    assert warnings(tmp_path, entry("geolocation", *sets)) == []


def test_what_a_bias_makes_nearer_can_answer_though_both_are_at_one_place(tmp_path: Path) -> None:
    """At that place itself the distances are equal, and nowhere else."""
    sets = (
        "id: a, at: {region: us-east-1}, values: [192.0.2.1]",
        "id: b, at: {region: us-east-1}, bias: 50, values: [192.0.2.2]",
    )
    assert warnings(tmp_path, entry("geoproximity", *sets)) == []


def test_every_block_of_a_location_is_looked_at(tmp_path: Path) -> None:
    """Only in the last one a client gets what does not survive."""
    blocks = "x: [10.0.0.0/24, 10.0.4.0/24, 10.0.5.0/24, 10.1.0.0/24], y: [10.0.0.0/20]"
    collection = f"cidr_collections: {{more: {{{blocks}}}}}\n"
    (tmp_path / "more.yaml").write_text(collection, encoding="utf-8")
    group = entry(
        "cidr",
        "id: x, cidr: {collection: more, location: x}, values: [192.0.2.1], health_check: a",
        "id: y, cidr: {collection: more, location: y}, values: [192.0.2.2]",
    )
    found = warnings(tmp_path, group)
    assert any("survive the failure of health check 'a'" in one and "10.1.0.0/24" in one for one in found)
    assert not any("never answer" in one for one in found)


def test_networks_that_a_group_cannot_tell_apart_count_once(tmp_path: Path) -> None:
    countries = [country for country in sorted(COUNTRY_CONTINENT) if country not in ("CN", "FR")][:100]
    lines = [f"  - {{cidr: 10.2.{number}.0/24, country: {one}}}\n" for number, one in enumerate(countries)]
    text = f"networks:\n{''.join(lines)}  - {{cidr: 10.1.0.0/24, country: FR, region: ap-southeast-2}}\n"
    near = entry(
        "latency",
        "id: ap, region: ap-southeast-2, values: [192.0.2.1], health_check: a",
        "id: us, region: us-east-1, values: [192.0.2.2], health_check: a",
        name="near",
    )
    geo = entry(
        "geolocation",
        "id: fr, location: {country: FR}, alias: {target: near}",
        "id: all, location: {country: '*'}, ttl: 9, values: [192.0.2.3]",
    ).replace("    ttl: 9\n", "")
    result = warnings(tmp_path, near, geo, locations=text)
    assert any(one.startswith("w.t.test. A does not survive") and "10.1.0.0/24" in one for one in result)


def test_a_client_in_a_region_is_in_its_country_too(tmp_path: Path) -> None:
    """As `r53lite odds --region` has it: who is nearest to Ireland gets the set for Ireland."""
    near = entry(
        "latency",
        "id: eu, region: eu-west-1, values: [192.0.2.4], health_check: a",
        "id: us, region: us-east-1, values: [192.0.2.5]",
        name="near",
    )
    geo = entry(
        "geolocation",
        "id: ie, location: {country: IE}, ttl: 9, values: [192.0.2.1]",
        "id: all, location: {country: '*'}, alias: {target: near}",
    ).replace("    ttl: 9\n", "")
    assert warnings(tmp_path, near, geo) == []


def test_latencies_of_files_count_for_a_client_nobody_knows(tmp_path: Path) -> None:
    (tmp_path / "ms.csv").write_text("from,us-west-2,eu-west-1\nus-east-1,500,1\n", encoding="utf-8")
    leaves = [
        entry("weighted", f"id: x, weight: 1, values: [192.0.2.{n}], health_check: {n}", name=f"m{n}")
        for n in "ab"
    ]
    leaves = [leaf.replace("192.0.2.a", "192.0.2.1").replace("192.0.2.b", "192.0.2.2") for leaf in leaves]
    near = entry(
        "latency",
        "id: us, region: us-west-2, alias: {target: ma}",
        "id: eu, region: eu-west-1, alias: {target: mb}",
    ).replace("    ttl: 9\n", "")
    found = warnings(tmp_path, *leaves, near, locations="latencies: ms.csv\n")
    (told,) = [one for one in found if one.startswith("w.t.test.")]
    assert not ("'a'" in told and "nobody knows" in told)


def test_a_group_with_too_many_states_is_looked_at_no_further(tmp_path: Path) -> None:
    """A drained set beside one that cannot fail is told all the same."""
    sets = [f"id: s{number}, weight: 1, values: [192.0.2.{number}]" for number in range(90)]
    leaf = entry("weighted", *sets, name="leaf")
    aliases = [f"id: a{number}, weight: 1, alias: {{target: leaf}}" for number in range(60)]
    top = entry("weighted", *aliases, "id: z, weight: 0, ttl: 9, values: [192.0.2.200]").replace(
        "    ttl: 9\n", ""
    )
    found = warnings(tmp_path, leaf, top)
    assert [one.split(":")[0] for one in found if one.startswith("w.t.test.")] == [
        "w.t.test. A set 'z' can never answer"
    ]
