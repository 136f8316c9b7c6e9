"""Health checks of a policy file become typed values (docs/route53/health-checks.md §4.2)."""

from __future__ import annotations

import pytest

from r53lite.config.document import Reader
from r53lite.config.yaml_file import parse_yaml
from r53lite.control.health_check_file import TYPES, UNSUPPORTED_KEYS, read_health_checks
from r53lite.errors import Faults
from r53lite.health.model import HealthCheck


def read(text: str) -> tuple[list[tuple[HealthCheck, int]], list[str]]:
    """Read the body of one `health_checks` key, which begins on line 2; return checks and faults."""
    faults = Faults("f.yaml")
    root = Reader(parse_yaml(f"health_checks:\n  {text}\n", faults), "", faults)
    checks = read_health_checks(root)
    return list(checks), [f"{fault.line}: {fault.reason}" for fault in faults.items]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{type: HTTP, ip: 127.53.1.1}", HealthCheck("blue", ip="127.53.1.1")),
        ("{type: HTTP, ip: '2001:DB8:0::1'}", HealthCheck("blue", ip="2001:db8::1")),
        ("{type: HTTP, host: www.Example.com}", HealthCheck("blue", host="www.Example.com")),
        (
            "{type: HTTP, host: a_b.example., path: health}",
            HealthCheck("blue", host="a_b.example.", path="/health"),
        ),
        (
            "{type: HTTP, ip: 127.0.0.1, host: a.example, port: 8080, path: '/h?a=1', interval: 300,"
            " failure_threshold: 10, inverted: true, disabled: true}",
            HealthCheck("blue", "HTTP", "127.0.0.1", "a.example", 8080, "/h?a=1", 300, 10, True, True),
        ),
        (
            "{type: HTTP, ip: 127.0.0.1, interval: 1, failure_threshold: 1, port: 65535}",
            HealthCheck("blue", ip="127.0.0.1", port=65535, interval_s=1, failure_threshold=1),
        ),
    ],
)
def test_a_sound_check(text: str, expected: HealthCheck) -> None:
    assert read(f"blue: {text}") == ([(expected, 2)], [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ip: 127.0.0.1}", "2: health_checks.blue has no 'type'"),
        (
            "{type: PING, ip: 127.0.0.1}",
            "2: health_checks.blue.type is 'PING'; expected one of"
            " HTTP, HTTPS, HTTP_STR_MATCH, HTTPS_STR_MATCH,"
            " TCP, CALCULATED, CLOUDWATCH_METRIC, RECOVERY_CONTROL",
        ),
        ("{type: HTTP}", "2: health_checks.blue has neither 'ip' nor 'host'; expected at least one"),
        (
            "{type: HTTP, ip: null}",
            "2: health_checks.blue has neither 'ip' nor 'host'; expected at least one",
        ),
        ("{type: HTTP, ip: a.example}", "2: health_checks.blue.ip is 'a.example'; expected an IP address"),
        (
            "{type: HTTP, host: 'a b'}",
            "2: health_checks.blue.host is 'a b'; expected a domain name of letters, digits, hyphens"
            " and dots",
        ),
        (
            "{type: HTTP, host: a..b}",
            "2: health_checks.blue.host is 'a..b'; expected a domain name of letters, digits, hyphens"
            " and dots",
        ),
        (
            "{type: HTTP, ip: 127.0.0.1, port: 0}",
            "2: health_checks.blue.port is '0'; expected a whole number from 1 to 65535",
        ),
        (
            "{type: HTTP, ip: 127.0.0.1, interval: 301}",
            "2: health_checks.blue.interval is '301'; expected a whole number from 1 to 300",
        ),
        (
            "{type: HTTP, ip: 127.0.0.1, interval: 0}",
            "2: health_checks.blue.interval is '0'; expected a whole number from 1 to 300",
        ),
        (
            "{type: HTTP, ip: 127.0.0.1, failure_threshold: 11}",
            "2: health_checks.blue.failure_threshold is '11'; expected a whole number from 1 to 10",
        ),
        (
            "{type: HTTP, ip: 127.0.0.1, inverted: 1}",
            "2: health_checks.blue.inverted is '1'; expected true or false",
        ),
        (
            "{type: HTTP, ip: 127.0.0.1, path: '/a b'}",
            "2: health_checks.blue.path is '/a b'; expected up to 255 printable ASCII characters,"
            " others as %XX",
        ),
        (
            "{type: HTTP, ip: 127.0.0.1,\n   intervall: 3}",
            "3: unknown key 'health_checks.blue.intervall'; did you mean 'interval'?",
        ),
        ("HTTP", "2: health_checks.blue is 'HTTP'; expected a mapping"),
    ],
)
def test_a_fault_and_its_line(text: str, expected: str) -> None:
    checks, faults = read(f"blue: {text}")
    assert faults == [expected]
    assert [check.id for check, _ in checks] == ["blue"]


@pytest.mark.parametrize(
    "check_type",
    TYPES[1:],
)
def test_types_to_come_are_refused_by_name(check_type: str) -> None:
    _, faults = read(f"blue: {{children: [a],\n    type: {check_type}}}")
    assert faults == [
        f"3: health_checks.blue: health checks of type {check_type} are not supported yet by this version"
    ]


@pytest.mark.parametrize("key", UNSUPPORTED_KEYS)
def test_keys_to_come_are_refused_by_name(key: str) -> None:
    _, faults = read(f"blue: {{type: HTTP, ip: 127.0.0.1, {key}: 1}}")
    assert faults == [f"2: 'health_checks.blue.{key}' is not supported yet by this version"]


def test_an_id_twice() -> None:
    checks, faults = read("a: {type: HTTP, ip: 127.0.0.1}\n  a: {type: HTTP, ip: 127.0.0.2}")
    assert faults == ["3: health_checks has 'a' twice"]
    assert [(check.ip, line) for check, line in checks] == [("127.0.0.1", 2)]


def test_health_checks_that_are_no_mapping() -> None:
    assert read("- a") == ([], ["2: health_checks is a list; expected a mapping"])
