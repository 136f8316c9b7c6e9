"""A settings file gives typed settings, or all its faults with their lines at once."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from r53lite.config.loader import load_settings
from r53lite.config.settings import ChaosSettings, CookieSettings, Endpoint, Settings, TcpSettings
from r53lite.config.target_settings import TargetRule, rule_for
from r53lite.dns.name import parse_name
from r53lite.errors import SettingsError


def write(directory: Path, text: str) -> Path:
    """Write a settings file."""
    path = directory / "r53lite.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def faults_of(directory: Path, text: str) -> list[str]:
    """Return the faults of a settings file as `line: reason`."""
    path = write(directory, text)
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    assert {fault.file for fault in caught.value.faults} == {str(path)}
    return [f"{fault.line}: {fault.reason}" for fault in caught.value.faults]


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}\n", "recursion: {}\napi:\nlog:\n"])
def test_an_empty_file_gives_the_defaults(tmp_path: Path, text: str) -> None:
    settings = load_settings(write(tmp_path, text))
    assert settings == Settings(zones=str(tmp_path / "zones"))


EVERY_KEY = """\
listen: [127.0.0.1:0, "[::1]:5301"]
zones: data/zones
locations: ../places.yaml
seed: 0
minimal_responses: true
udp_payload_bytes: 4096
recursion:
  enabled: false
  clients: [127.0.0.1/32, 10.0.0.0/8]
  root_hints: /etc/root.hints
  upstream_port: 5300
  upstream_networks: ["::1/128"]
tcp:
  idle_timeout_s: 0.5
  message_timeout_s: 2
  write_timeout_s: 3
  max_connections: 5
  max_connections_per_client: 4
  max_pending_per_connection: 1
nsid: ns1
cookies:
  enabled: true
  required: true
  secrets: [E5e973e5a6b2a43f48e7dc849e37bfcf, "00112233445566778899aabbccddeeff"]
chaos: {version: r53lite, hostname: host.example, id: "1"}
health: {probe_networks: [127.0.0.0/8], max_in_flight: 7}
api: {listen: "127.0.0.1:0"}
log: {level: debug}
"""


def test_every_key_is_read_and_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, EVERY_KEY))
    assert settings.listen == (Endpoint("127.0.0.1", 0), Endpoint("::1", 5301))
    assert settings.zones == str(tmp_path / "data/zones")
    assert settings.locations == str(tmp_path / "../places.yaml")
    assert (settings.seed, settings.minimal_responses, settings.udp_payload_bytes) == (0, True, 4096)
    assert settings.recursion.enabled is False
    assert settings.recursion.clients == (ip_network("127.0.0.1/32"), ip_network("10.0.0.0/8"))
    assert settings.recursion.root_hints == "/etc/root.hints"
    assert settings.recursion.upstream_port == 5300
    assert settings.recursion.upstream_networks == (ip_network("::1/128"),)
    assert settings.tcp == TcpSettings(0.5, 2.0, 3.0, 5, 4, 1)
    assert settings.nsid == "ns1"
    assert settings.cookies == CookieSettings(
        True,
        True,
        (
            bytes.fromhex("e5e973e5a6b2a43f48e7dc849e37bfcf"),
            bytes.fromhex("00112233445566778899aabbccddeeff"),
        ),
    )
    assert settings.chaos == ChaosSettings("r53lite", "host.example", "1")
    assert settings.health.probe_networks == (ip_network("127.0.0.0/8"),)
    assert settings.health.max_in_flight == 7
    assert settings.api.listen == Endpoint("127.0.0.1", 0)
    assert settings.log.level == "debug"


def test_null_turns_zones_and_api_off(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, "zones: null\napi: {listen: null}\nseed: null\n"))
    assert (settings.zones, settings.api.listen, settings.seed) == (None, None, None)


def test_a_relative_settings_path_gives_absolute_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "zones: z\n")
    monkeypatch.chdir(tmp_path)
    assert load_settings(Path("r53lite.yaml")).zones == str(tmp_path / "z")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("listn: [127.0.0.1:53]", "1: unknown key 'listn'; did you mean 'listen'?"),
        ("log: {levle: info}", "1: unknown key 'log.levle'; did you mean 'level'?"),
        ("seed: 1\nseed: 2", "2: 'seed' is written twice"),
        ("listen: 127.0.0.1:53", "1: listen is '127.0.0.1:53'; expected a list"),
        ("listen: []", "1: listen is empty; expected at least one address and port"),
        ("zones: [a]", "1: zones is a list; expected text"),
        ("seed: one", "1: seed is 'one'; expected a whole number from 0 to 18446744073709551615"),
        ("seed: -1", "1: seed is '-1'; expected a whole number from 0 to 18446744073709551615"),
        ("minimal_responses: 1", "1: minimal_responses is '1'; expected true or false"),
        ("udp_payload_bytes: 511", "1: udp_payload_bytes is '511'; expected a whole number from 512 to 4096"),
        (
            "udp_payload_bytes: 4097",
            "1: udp_payload_bytes is '4097'; expected a whole number from 512 to 4096",
        ),
        ("recursion: yes", "1: recursion is 'yes'; expected a mapping"),
        (
            "recursion:\n  upstream_port: 0",
            "2: recursion.upstream_port is '0'; expected a whole number from 1 to 65535",
        ),
        (
            "health: {max_in_flight: 0}",
            "1: health.max_in_flight is '0'; expected a whole number from 1 to 10000",
        ),
        ("tcp: {idle_timeout_s: 0}", "1: tcp.idle_timeout_s is '0'; expected a number from 0.1 to 6553.5"),
        (
            "tcp: {max_connections: 0}",
            "1: tcp.max_connections is '0'; expected a whole number from 1 to 100000",
        ),
        ("tcp: {idle_timeout: 1}", "1: unknown key 'tcp.idle_timeout'; did you mean 'idle_timeout_s'?"),
        ("log: {level: loud}", "1: log.level is 'loud'; expected one of debug, info, warning, error"),
        (f"nsid: {'é' * 65}", "1: nsid has 130 octets; the limit is 128"),
        (f"chaos: {{version: {'v' * 256}}}", "1: chaos.version has 256 octets; the limit is 255"),
        ("chaos: {name: x}", "1: unknown key 'chaos.name'; did you mean 'hostname'?"),
        ("cookies: {enabled: false, required: true}", "1: cookies are required but not enabled"),
        ("cookies:\n  secrets:\n    - 0011", "3: cookies.secrets holds no 32 hex digits"),
        (f"cookies: {{secrets: [{'secret-text' * 3}]}}", "1: cookies.secrets holds no 32 hex digits"),
        ("- a", "1: the document is a list; expected a mapping"),
    ],
)
def test_a_fault_and_its_line(tmp_path: Path, text: str, expected: str) -> None:
    assert faults_of(tmp_path, text) == [expected]


@pytest.mark.parametrize("text", ["api:\n  listen: localhost:53", "listen:\n  - localhost:53"])
def test_a_faulty_endpoint_is_quoted(tmp_path: Path, text: str) -> None:
    (fault,) = faults_of(tmp_path, text)
    assert fault.startswith("2: ")
    assert "listen: 'localhost:53' is not an address and a port" in fault


def test_a_faulty_network_is_quoted(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, "health:\n  probe_networks:\n    - 10.0.0.0/8\n    - 10.0.0.1/8\n")
    assert fault.startswith("4: health.probe_networks holds '10.0.0.1/8'; expected a network")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("store: {url: 'sqlite:///x.db'}", "store"),
        ("api: {credentials: [{id: a, secret: b}]}", "api.credentials"),
        ("api: {insync_delay_s: 30}", "api.insync_delay_s"),
        ("api: {strict_addresses: true}", "api.strict_addresses"),
        ("log: {queries: true}", "log.queries"),
    ],
)
def test_what_this_version_cannot_do_is_refused(tmp_path: Path, text: str, key: str) -> None:
    assert faults_of(tmp_path, text) == [f"1: {key!r} is not supported yet by this version"]


def test_what_this_version_cannot_do_may_be_turned_off(tmp_path: Path) -> None:
    api = "{credentials: [], insync_delay_s: 0, strict_addresses: false}"
    text = f"store: null\ntargets: {{}}\napi: {api}\nlog: {{queries: false}}\n"
    assert load_settings(write(tmp_path, text)) == Settings(zones=str(tmp_path / "zones"))


def test_targets_are_addresses_and_names(tmp_path: Path) -> None:
    text = """
targets:
  "*.elb.amazonaws.com": [192.0.2.1, "2001:db8::1", lb.example.com]
  S3-website-*.amazonaws.com.: "*"
"""
    assert load_settings(write(tmp_path, text)).targets == (
        TargetRule(
            "*.elb.amazonaws.com",
            (bytes([192, 0, 2, 1]), ip_address("2001:db8::1").packed),
            (parse_name("lb.example.com."),),
        ),
        TargetRule("s3-website-*.amazonaws.com", (), (b"",)),
    )


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("a/b: 192.0.2.1", "targets has 'a/b'; expected a name in which '*' stands for any characters"),
        ("a.example: []", "targets.a.example is empty; expected addresses or names"),
        ("a.example: {b: c}", "targets.a.example: expected an address or a name, or a list of them"),
        (
            "a.example: 192.0.2.256",
            "targets.a.example: '192.0.2.256' is neither an address nor the name of a host",
        ),
        ("a.example: b c", "targets.a.example: 'b c' is neither an address nor the name of a host"),
        ("a.example: b..c", "targets.a.example: empty label in name 'b..c'"),
        ("{a.example: b, A.example.: c}", "targets has 'A.example.' twice"),
    ],
)
def test_a_fault_of_a_target(tmp_path: Path, entry: str, expected: str) -> None:
    text = entry if entry.startswith("{") else f"{{{entry}}}"
    assert faults_of(tmp_path, f"targets: {text}") == [f"1: {expected}"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lb-1.us-east-1.elb.amazonaws.com", "*.elb.amazonaws.com"),
        ("LB-1.eu-west-1.ELB.amazonaws.com", "*.eu-west-1.elb.amazonaws.com"),
        ("s3-website-us-east-1.amazonaws.com", "s3-website-*.amazonaws.com"),
        ("elb.amazonaws.com", None),
        ("xelb.amazonaws.com", None),
    ],
)
def test_the_longest_pattern_that_matches_counts(name: str, expected: str | None) -> None:
    patterns = ("*.elb.amazonaws.com", "*.eu-west-1.elb.amazonaws.com", "s3-website-*.amazonaws.com")
    found = rule_for(tuple(map(TargetRule, patterns)), parse_name(name))
    assert (None if found is None else found.pattern) == expected


def test_all_faults_come_together_in_the_order_of_lines(tmp_path: Path) -> None:
    text = "lisen: []\nrecursion:\n  enabled: 3\nudp_payload_bytes: 1\nlog: {level: x}\n"
    assert [fault.split(":")[0] for fault in faults_of(tmp_path, text)] == ["1", "3", "4", "5"]


def test_broken_yaml_and_a_missing_file_are_faults(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, "listen: [")
    assert "not valid YAML" in fault
    with pytest.raises(SettingsError, match="cannot read"):
        load_settings(tmp_path / "absent.yaml")
