"""`r53lite odds` and `r53lite explain`: shapes, tables, exit codes; offline, and over HTTP from a server."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from r53lite.cli import looking
from r53lite.cli.main import main
from r53lite.config.settings import ApiSettings, Endpoint, HealthSettings, RecursionSettings, Settings
from r53lite.routing.odds import TooManyOutcomesError
from r53lite.server.runtime import Server
from tests.clients import ask_udp, make_query
from tests.routing.odds_cases import APEX

MANY = ", ".join(f"{{id: m{number}, values: [192.0.2.{number}]}}" for number in range(12))
TREE = f"""zone: t.example
records:
{APEX}
  - name: top
    type: A
    policy: latency
    sets:
      - {{id: us, region: us-east-1, alias: {{target: us, evaluate_target_health: true}}}}
      - {{id: ap, region: ap-southeast-2, alias: {{target: ap, evaluate_target_health: true}}}}
  - name: us
    type: A
    ttl: 9
    policy: weighted
    sets:
      - {{id: a, weight: 35, values: [192.0.2.1], health_check: a}}
      - {{id: b, weight: 65, values: [192.0.2.2], health_check: b}}
  - name: ap
    type: A
    ttl: 9
    policy: weighted
    sets:
      - {{id: c, weight: 1, values: [192.0.2.3], health_check: c}}
      - {{id: d, weight: 3, values: [192.0.2.4], health_check: d}}
  - name: geo
    type: A
    ttl: 9
    policy: geolocation
    sets: [{{id: eu, location: {{continent: EU}}, values: [192.0.2.5]}}]
  - {{name: '*.wild', type: A, ttl: 9, policy: multivalue, sets: [{{id: m, values: [192.0.2.6]}}]}}
  - {{name: to, type: CNAME, ttl: 7, values: [top]}}
  - {{name: away, type: CNAME, ttl: 7, values: [elsewhere.test.]}}
  - {{name: cut, type: NS, ttl: 7, values: [ns.cut]}}
  - {{name: short, type: DNAME, ttl: 7, values: [t.example.]}}
  - {{name: broken, type: A, alias: {{target: nowhere, evaluate_target_health: false}}}}
  - {{name: outside, type: A, alias: {{target: lb.test., evaluate_target_health: true}}}}
  - {{name: home, type: A, alias: {{target: us, evaluate_target_health: true}}}}
  - name: near
    type: A
    ttl: 9
    policy: geoproximity
    sets:
      - {{id: us, at: {{region: us-east-1}}, bias: 10, values: [192.0.2.1]}}
      - {{id: pole, at: {{coordinates: [90, 0]}}, values: [192.0.2.2]}}
  - name: office
    type: A
    ttl: 9
    policy: cidr
    sets:
      - {{id: b, cidr: {{collection: offices, location: berlin}}, values: [192.0.2.1]}}
      - {{id: all, cidr: {{collection: offices, location: '*'}}, values: [192.0.2.2]}}
  - name: two
    type: A
    policy: weighted
    sets:
      - {{id: one, weight: 1, alias: {{target: us, evaluate_target_health: true}}}}
      - {{id: other, weight: 3, alias: {{target: ap, evaluate_target_health: false}}}}
  - {{name: many, type: A, ttl: 9, policy: multivalue, sets: [{MANY}]}}
cidr_collections:
  offices: {{berlin: [198.51.100.0/24]}}
health_checks:
  a: {{type: HTTP, ip: 127.0.0.1, port: 1}}
  b: {{type: HTTP, ip: 127.0.0.1, port: 1}}
  c: {{type: HTTP, ip: 127.0.0.1, port: 1}}
  d: {{type: HTTP, ip: 127.0.0.1, port: 1}}
"""
LOCATIONS = (
    "networks:\n  - {cidr: 127.0.0.0/8, region: us-east-1}\n  - {cidr: 126.0.0.0/8, region: ap-southeast-2}\n"
)


@pytest.fixture
def zones(tmp_path: Path) -> Path:
    (tmp_path / "t.example.yaml").write_text(TREE, encoding="utf-8")
    (tmp_path / "locations.yaml").write_text(LOCATIONS, encoding="utf-8")
    return tmp_path


@pytest.fixture
async def server(zones: Path) -> AsyncIterator[Server]:
    settings = Settings(
        listen=(Endpoint("127.0.0.1", 0),),
        recursion=RecursionSettings(enabled=False),
        health=HealthSettings(probe_networks=()),
        api=ApiSettings(listen=Endpoint("127.0.0.1", 0)),
        explain_in_answers=True,
    )
    running = Server(settings, [zones])
    await running.start()
    yield running
    await running.stop()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def run_json(*arguments: str) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_odds_have_the_shape_that_tools_rely_on(zones: Path) -> None:
    shape = run_json("odds", "top.t.example", "A", "--zones", str(zones))

    assert shape == {
        "name": "top.t.example.",
        "type": "A",
        "client": "127.0.0.1/32",
        "location": {"region": "us-east-1", "source": "locations.yaml:2"},
        "health": dict.fromkeys("abcd", "healthy"),
        "scope_prefix_len": 8,
        "answers": [
            {"probability": "13/20", "percent": 65.0, "ttl": 9, "values": ["192.0.2.2"], "path": ["us", "b"]},
            {"probability": "7/20", "percent": 35.0, "ttl": 9, "values": ["192.0.2.1"], "path": ["us", "a"]},
        ],
    }


def test_odds_of_a_stated_health_state_and_region(zones: Path) -> None:
    arguments = ("odds", "top.t.example", "--zones", str(zones), "--down", "a,b", "--down", "c")
    shape = run_json(*arguments, "--from", "198.51.100.0/24", "--region", "eu-west-1")

    assert shape["client"] == "198.51.100.0/24"
    assert shape["location"]["region"] == "eu-west-1"
    assert shape["health"] == {"a": "unhealthy", "b": "unhealthy", "c": "unhealthy", "d": "healthy"}
    assert [answer["path"] for answer in shape["answers"]] == [["ap", "d"]]


def test_an_empty_answer_has_no_values(zones: Path) -> None:
    shape = run_json("odds", "geo.t.example", "--zones", str(zones), "--from", "192.0.2.1")
    assert shape["answers"] == [{"probability": "1", "percent": 100.0, "ttl": None, "values": [], "path": []}]


def test_each_failure_has_its_own_odds(zones: Path) -> None:
    shape = run_json("odds", "us.t.example", "--zones", str(zones), "--down", "a", "--each-failure")

    (failure,) = shape["failures"]
    assert (failure["down"], failure["survives"]) == ("b", False)
    assert [answer["down"] for answer in failure["answers"]] == [["b"], ["a"]]
    assert sum(Fraction(answer["probability"]) for answer in failure["answers"]) == 1


def test_the_table_is_for_people_and_the_plot_is_svg(zones: Path, tmp_path: Path) -> None:
    plot = tmp_path / "odds.svg"
    result = run("odds", "top.t.example", "--zones", str(zones), "--each-failure", "--plot", str(plot))

    assert result.exit_code == 0
    assert " 13/20  65.00 %    9  192.0.2.2  us > b" in result.stdout.splitlines()
    assert "a failing: survives" in result.stdout
    bars = [one for one in ElementTree.parse(plot).getroot().iter() if one.get("class") == "bar"]
    both, one = ["260.00", "140.00"], ["400.00"]
    assert [bar.get("width") for bar in bars] == [*both, *one, *one, *both, *both]  # healthy; a, b, c, d down


@pytest.mark.parametrize("command", ["odds", "explain"])
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("top.t.example",), 0),
        (("gone.t.example",), 0),
        (("elsewhere.test",), 1),
        (("top.t.example", "NONSENSE"), 2),
        (("top.t.example", "ANY"), 2),
        (("top.t.example", "--from", "localhost"), 2),
        (("top.t.example", "--region", "moon-1"), 2),
        (("top.t.example", "--down", "nobody"), 2),
        (("top.t.example", "--down", "a", "--up", "a"), 2),
        (("top.t.example", "--server", "http://127.0.0.1:1"), 2),
    ],
)
def test_exit_codes(zones: Path, command: str, arguments: tuple[str, ...], code: int) -> None:
    assert run(command, *arguments, "--zones", str(zones)).exit_code == code


async def test_too_many_outcomes_are_exit_code_1_from_files_and_from_a_server(
    server: Server, zones: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise TooManyOutcomesError(1)

    monkeypatch.setattr("r53lite.cli.odds.report_odds", refuse)
    monkeypatch.setattr("r53lite.api.reports.report_odds", refuse)
    url = f"http://127.0.0.1:{server.http_port}"
    for where in (("--zones", str(zones)), ("--server", url)):
        result = await asyncio.to_thread(run, "odds", "top.t.example", *where)
        assert (result.exit_code, result.stderr) == (1, "r53lite: more than 1 outcomes\n")


@pytest.mark.parametrize("command", ["odds", "explain"])
def test_output_that_cannot_be_written_is_one_line(zones: Path, command: str) -> None:
    start = "from r53lite.cli.main import main; main()"
    arguments = [sys.executable, "-c", start, command, "top.t.example", "--zones", str(zones)]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(arguments, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "r53lite: cannot write the output: no space left on device"
    assert "Traceback" not in done.stderr


def test_a_control_character_leaves_the_plot_svg(tmp_path: Path) -> None:
    sets = r'sets: [{id: "a\x01b<", weight: 1, values: [192.0.2.1]}]'
    text = f"zone: t.example\nrecords:\n{APEX}\n  - {{name: w, type: A, ttl: 1, policy: weighted, {sets}}}\n"
    (tmp_path / "t.example.yaml").write_text(text, encoding="utf-8")
    plot = tmp_path / "odds.svg"
    assert run("odds", "w.t.example", "--zones", str(tmp_path), "--plot", str(plot)).exit_code == 0
    texts = [one.text for one in ElementTree.parse(plot).getroot().iter()]
    assert "a\N{REPLACEMENT CHARACTER}b<: 192.0.2.1" in texts


def test_a_plot_is_svg_and_nothing_else(zones: Path, tmp_path: Path) -> None:
    plot = tmp_path / "odds.png"
    result = run("odds", "top.t.example", "--zones", str(zones), "--plot", str(plot))
    assert result.exit_code == 2
    assert "'--plot': expected a file name that ends with .svg, got 'odds.png'" in result.stderr
    assert not plot.exists()


def test_a_server_that_does_not_answer_is_told_in_plain_words() -> None:
    result = run("odds", "top.t.example", "--server", "http://127.0.0.1:1")
    assert result.exit_code == 2
    assert result.stderr.endswith("--server: http://127.0.0.1:1 does not answer: connection refused\n")


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (b"220 mail\r\n", "it speaks another protocol"),
        (b"HTTP/1.0 200 OK\r\n\r\nhello", "it answers no JSON"),
    ],
)
async def test_a_server_of_another_kind_is_told_in_plain_words(reply: bytes, told: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(reply)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as other:
        url = f"http://127.0.0.1:{other.sockets[0].getsockname()[1]}"
        result = await asyncio.to_thread(run, "odds", "top.t.example", "--server", url)
    assert result.exit_code == 2
    assert result.stderr.endswith(f"--server: {url} does not answer: {told}\n")


def test_faulty_zones_end_with_1_and_say_why(tmp_path: Path) -> None:
    (tmp_path / "a.test.yaml").write_text("zone: a.test\nrecords: 1\n", encoding="utf-8")
    result = run("odds", "a.test", "--zones", str(tmp_path))
    assert result.exit_code == 1
    assert "a.test.yaml:2" in result.stderr


def test_without_a_server_the_directory_zones_is_read(zones: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "DEFAULT_SERVER", "http://127.0.0.1:1")
    monkeypatch.setattr(looking, "DEFAULT_ZONES", zones)
    assert run_json("odds", "us.t.example")["name"] == "us.t.example."


def steps(shape: Any) -> list[str]:
    return [step["step"] for step in shape["steps"]]


def test_an_explanation_goes_from_the_view_to_the_answer(zones: Path) -> None:
    shape = run_json("explain", "to.t.example", "--zones", str(zones), "--down", "a,b,c")

    assert shape["question"] == {"name": "to.t.example.", "type": "A"}
    assert steps(shape) == [
        *("view", "zone", "match", "zone", "match", "location"),
        *("policy", "draw", "alias", "policy", "health", "health", "alias"),
        *("draw", "alias", "policy", "health", "health", "draw", "alias", "answer"),
    ]
    texts = [step["text"] for step in shape["steps"]]
    assert "nothing healthy below us.t.example. is for this client: us is backed out of" in texts
    assert "d is all that is left; nothing is drawn" in texts
    assert "health check a of a is unhealthy: stated in the question" in texts
    assert shape["answer"] == {
        "rcode": "NOERROR",
        "ttl": 7,  # the CNAME's, the least of the chain
        "values": ["192.0.2.4"],
        "scope_prefix_len": 8,
    }


def test_an_explanation_has_the_candidates_in_order_with_health_and_the_draw(zones: Path) -> None:
    shape = run_json("explain", "us.t.example", "--zones", str(zones))

    (policy,) = [step for step in shape["steps"] if step["step"] == "policy"]
    assert [(one["id"], one["fact"], one["healthy"]) for one in policy["candidates"]] == [
        ("a", "weight 35", True),
        ("b", "weight 65", True),
    ]
    (draw,) = [step for step in shape["steps"] if step["step"] == "draw"]
    assert draw["weights"] == [35, 65]
    assert draw["probability"] == {"a": "7/20", "b": "13/20"}[draw["drawn"]]


def test_a_wildcard_and_a_missing_name_are_told_apart(zones: Path) -> None:
    wild = run_json("explain", "x.wild.t.example", "--zones", str(zones))
    assert next(step for step in wild["steps"] if step["step"] == "match")["name"] == "*.wild.t.example."
    gone = run_json("explain", "gone.t.example", "--zones", str(zones))
    assert gone["answer"]["rcode"] == "NXDOMAIN"
    assert steps(gone) == ["view", "zone", "match", "location", "answer"]


def test_a_client_that_no_set_is_for_is_told_so(zones: Path) -> None:
    result = run("explain", "geo.t.example", "--zones", str(zones), "--from", "192.0.2.1")
    assert "eu (continent EU) without a check but not for this client" in result.stdout
    assert "draw      no set is for this client" in result.stdout


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("near", (), "us (us-east-1, bias +10, 0 km) without a check"),
        ("near", (), "pole (90.0, 0.0, 5677 km) without a check"),
        ("office", ("--from", "198.51.100.7"), "b (location berlin) without a check; all (location *)"),
        ("office", ("--from", "198.51.100.7"), "of the CIDR collection it is in berlin, then *"),
        ("away", (), "the chain goes on at elsewhere.test., outside of our zones"),
        ("x.cut", (), "x.cut.t.example. is delegated at cut.t.example."),
        ("x.cut", (), "a referral to the servers of cut.t.example."),
        ("us.short", (), "us.short.t.example. lies below the DNAME at short.t.example."),
        ("broken", (), "the record is an alias of nowhere.t.example. A, which does not exist"),
        ("broken", (), "answer    SERVFAIL, no records; holds for every client"),
        ("outside", (), "the outside name lb.test. has no address that is known now"),
        ("home", ("--down", "a,b"), "its only set → us.t.example. without a check"),
        (
            "two",
            ("--down", "a,b"),
            "nothing healthy below us.t.example. is for this client: one is left out of the draw",
        ),
        ("two", ("--down", "a,b,c,d"), "is for this client, but other does not look at that"),
        ("two", ("--down", "a,b,c,d"), "as a last resort all count"),
        ("many", (), "chance drew 8 of 12 sets"),
        ("x.wild", (), "its only set comes"),
        (
            "top",
            ("--down", "a,b,c,d"),
            "nothing healthy below us.t.example. is for this client, but us is the last resort",
        ),
        ("top", ("--down", "a,b,c,d"), "the weighted group us.t.example. A again"),
    ],
)
def test_explanations_of_many_kinds(zones: Path, name: str, arguments: tuple[str, ...], told: str) -> None:
    result = run("explain", f"{name}.t.example", "--zones", str(zones), *arguments)
    assert result.exit_code == 0
    assert told in result.stdout


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("away", "(goes on at elsewhere.test.)"),
        ("gone", "NXDOMAIN"),
        ("broken", "SERVFAIL"),
        ("geo", "(no answer)"),
        ("many", "8 of 12 sets are sampled"),
        ("many", "   2/3  66.67 %    9  192.0.2.0 *   m0"),
    ],
)
def test_tables_of_many_kinds(zones: Path, name: str, told: str) -> None:
    result = run("odds", f"{name}.t.example", "--zones", str(zones), "--each-failure")
    assert result.exit_code == 0
    assert told in result.stdout


def test_samples_say_what_the_marginals_are_of(zones: Path) -> None:
    shape = run_json("odds", "many.t.example", "--zones", str(zones))
    assert shape["samples"] == [{"probability": "1", "wanted": 8, "of": 12}]
    assert {(one["probability"], one["marginal"]) for one in shape["answers"]} == {("2/3", True)}


# --- a running server ---------------------------------------------------------------------------------------


async def test_a_running_server_tells_the_same_with_its_own_health(server: Server) -> None:
    url = f"http://127.0.0.1:{server.http_port}"

    def ask() -> tuple[Any, Any, list[int]]:
        odds = run_json(
            "odds",
            "us.t.example",
            "--server",
            url.removeprefix("http://"),
            "--up",
            "a,b,c,d",
            "--each-failure",
        )
        explained = run_json("explain", "us.t.example", "--server", url)
        wrong = [("x.test",), ("us.t.example", "NO"), ("us.t.example", "--down", "x")]
        codes = [run("odds", *one, "--server", url).exit_code for one in wrong]
        assert looking.is_running(url)
        return odds, explained, codes

    odds, explained, codes = await asyncio.to_thread(ask)

    assert [answer["probability"] for answer in odds["answers"]] == ["13/20", "7/20"]
    assert [failure["down"] for failure in odds["failures"]] == ["a", "b"]
    health = [step for step in explained["steps"] if step["step"] == "health"]
    assert [step["reason"].split(":")[0] for step in health] == ["Failure", "Failure"]
    assert all(step["age_s"] >= 0 for step in health)
    assert codes == [1, 2, 2]


async def test_answers_of_policies_tell_their_reason_where_that_is_switched_on(server: Server) -> None:
    reply = await ask_udp(*server.endpoints[0], make_query("top.t.example"))
    (ede,) = [option for option in reply.options if option.otype == 15]
    assert ede.to_wire()[:2] == b"\0\0"
    assert ede.text in ("latency us, weighted a 35/100", "latency us, weighted b 65/100")

    plain = await ask_udp(*server.endpoints[0], make_query("ns.t.example"))
    assert not [option for option in plain.options if option.otype == 15]


def test_a_referral_is_no_empty_answer(zones: Path) -> None:
    (answer,) = run_json("odds", "x.cut.t.example", "--zones", str(zones))["answers"]
    assert (answer["values"], answer["referral"]) == ([], "cut.t.example.")
    assert "(a referral to cut.t.example.)" in run("odds", "x.cut.t.example", "--zones", str(zones)).stdout


def test_a_picture_that_cannot_be_written_is_wrong_usage(zones: Path, tmp_path: Path) -> None:
    plot = str(tmp_path / "missing" / "x.svg")
    result = run("odds", "top.t.example", "--zones", str(zones), "--plot", plot)
    assert (result.exit_code, "cannot write" in result.output) == (2, True)


def test_a_check_that_the_file_forces_down_is_down_offline_and_cannot_fail(zones: Path) -> None:
    path = zones / "t.example.yaml"
    forced = "b: {type: HTTP, ip: 127.0.0.1, disabled: true, inverted: true}"
    path.write_text(TREE.replace("b: {type: HTTP, ip: 127.0.0.1, port: 1}", forced), encoding="utf-8")
    shape = run_json("odds", "us.t.example", "--zones", str(zones), "--each-failure")
    assert shape["health"] == {"a": "healthy", "b": "unhealthy"}
    assert [answer["path"] for answer in shape["answers"]] == [["a"]]
    assert [failure["down"] for failure in shape["failures"]] == ["a"]


def test_a_value_of_a_sample_has_a_ttl_where_all_have_the_same(zones: Path) -> None:
    many = run_json("odds", "many.t.example", "--zones", str(zones))["answers"]
    assert {answer["ttl"] for answer in many} == {9}
    path = zones / "t.example.yaml"
    path.write_text(TREE.replace("{id: m0,", "{id: m0, ttl: 5,"), encoding="utf-8")
    many = run_json("odds", "many.t.example", "--zones", str(zones))["answers"]
    assert {answer["ttl"] for answer in many} == {None}


def test_a_client_without_a_set_and_a_default_is_told_so(zones: Path) -> None:
    text = run("explain", "geo.t.example", "--zones", str(zones), "--from", "192.0.2.1").stdout
    assert (
        "no set of the geolocation group geo.t.example. A is for this client, and it has no default" in text
    )
    assert "nobody knows where 192.0.2.1/32 is, by default in us-east-1, and this counts" in text


def test_a_name_that_stands_in_for_an_outside_one_is_resolved_from_the_files(zones: Path) -> None:
    (zones / "r53lite.yaml").write_text("targets: {lb.test: us.t.example}\n", encoding="utf-8")
    shape = run_json("odds", "outside.t.example", "--zones", str(zones))
    assert shape["answers"][0]["values"] in (["192.0.2.1"], ["192.0.2.2"])


def test_a_divided_subnet_is_told_as_its_policy_sees_it(zones: Path) -> None:
    """Both halves of the /8 are nearest to Sydney, by entries that differ; nobody knows the whole."""
    entries = ["{cidr: 30.0.0.0/9, region: ap-southeast-2}", "{cidr: 30.128.0.0/9, region: ap-southeast-4}"]
    text = "".join(f"  - {entry}\n" for entry in entries)
    (zones / "locations.yaml").write_text(f"networks:\n{text}", encoding="utf-8")
    shape = run_json("explain", "top.t.example", "--zones", str(zones), "--from", "30.0.0.0/8")

    (step,) = [step for step in shape["steps"] if step["step"] == "location"]
    assert step["text"] == (
        "nobody knows where 30.0.0.0/8 is, by default in us-east-1, "
        "and this would count, but to the policy its parts are alike"
    )
    policy = next(step for step in shape["steps"] if step["step"] == "policy")
    assert policy["seen"] == {"region": "ap-southeast-2", "source": "locations.yaml:2"}
    assert policy["text"].endswith(
        "; all of the client subnet is to this policy like its first address, by locations.yaml:2"
    )
    assert policy["candidates"][0]["fact"].startswith("ap-southeast-2")
    assert shape["answer"]["scope_prefix_len"] == 8
    odds = run_json("odds", "top.t.example", "--zones", str(zones), "--from", "30.0.0.0/8")
    assert odds["scope_prefix_len"] == 8
    assert odds["location"] == shape["location"]
    assert {answer["path"][0] for answer in odds["answers"]} == {"ap"}


@pytest.mark.parametrize(
    ("client", "told"),
    [
        (
            "30.0.0.0/16",
            "the subnet /16 was too short to tell for whom: answers may differ within it, from one"
            " /18 to the next",
        ),
        ("30.0.0.0/18", "holds for every client of the same /18"),
        ("30.0.0.0/24", "holds for every client of the same /18"),
    ],
)
def test_an_answer_to_a_subnet_that_is_too_short_holds_for_nobody_else(
    zones: Path, client: str, told: str
) -> None:
    entries = ["{cidr: 30.0.0.0/16, region: us-east-1}", "{cidr: 30.0.64.0/18, region: ap-southeast-2}"]
    text = "".join(f"  - {entry}\n" for entry in entries)
    (zones / "locations.yaml").write_text(f"networks:\n{text}", encoding="utf-8")
    shape = run_json("explain", "top.t.example", "--zones", str(zones), "--from", client)
    assert shape["steps"][-1]["text"].endswith(f"; {told}")
    assert shape["answer"]["scope_prefix_len"] == 18


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("ends.c.example", {"rcode": "NXDOMAIN", "ttl": 60, "values": [], "scope_prefix_len": 0}),
        (
            "leaves.c.example",
            {"rcode": "NOERROR", "ttl": 60, "values": [], "scope_prefix_len": 0, "leaving": "far.invalid."},
        ),
    ],
)
def test_a_chain_that_ends_without_data_has_no_values(
    zones: Path, name: str, answer: dict[str, object]
) -> None:
    soa = "@ 60 SOA ns h 1 1 1 1 60\n@ 60 NS ns\nns 60 A 192.0.2.1\n"
    (zones / "c.example.zone").write_text(f"{soa}ends 60 CNAME nope\nleaves 60 CNAME far.invalid.\n")
    told = run_json("explain", name, "--zones", str(zones))
    assert told["answer"] == answer
    (share,) = run_json("odds", name, "--zones", str(zones))["answers"]
    assert (share["values"], share["ttl"]) == (answer["values"], answer["ttl"])


def test_a_dname_has_odds_too(zones: Path) -> None:
    soa = "@ 60 SOA ns h 1 1 1 1 60\n@ 60 NS ns\nns 60 A 192.0.2.1\n"
    (zones / "d.example.zone").write_text(f"{soa}old 30 DNAME new\n")
    (share,) = run_json("odds", "old.d.example", "DNAME", "--zones", str(zones))["answers"]
    assert (share["values"], share["ttl"]) == (["new.d.example."], 30)
