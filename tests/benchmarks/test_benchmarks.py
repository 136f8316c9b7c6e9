"""Do the benchmarks ask what they say, and judge as they say? Nothing is timed here."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import dns.message
import pytest

from benchmarks.__main__ import find_peers
from benchmarks.answers import describe
from benchmarks.dnsperf import Load
from benchmarks.loading import Loading, Start
from benchmarks.policies import (
    DEAD,
    LATENCY,
    LOCATED,
    MULTIVALUE_12_ANSWERS,
    POLICY,
    TREE_ANSWERS,
    WEIGHTED_ANSWERS,
    Drawn,
    ask_from_subnets,
    cidr_address,
    client_blocks,
    client_subnets,
    geo_address,
)
from benchmarks.queries import Results
from benchmarks.report import BEGIN, END, Report, format_report, format_runs, save_report
from benchmarks.rows import BUDGETS, KEYS, ROWS, Row
from benchmarks.zones import LARGE_NAMES, Run, cold_questions, make_query


def make_report(figures: dict[str, dict[str, list[float]]]) -> Report:
    results = Results()
    for row, servers in figures.items():
        results.loads[row] = {
            name: [Load(1000, 1000, 0, 5e4, cpu_us, {}) for cpu_us in runs] for name, runs in servers.items()
        }
    return Report(results, Loading({}, {}, []))


def test_cold_runs_share_no_name() -> None:
    runs = [{question.qname for question in cold_questions(Run(number, 3, 0))} for number in range(4)]
    assert sum(map(len, runs)) == len(set().union(*runs)) == LARGE_NAMES


@pytest.mark.parametrize("row", [row for row in ROWS if row.is_new], ids=lambda row: row.key)
def test_no_two_runs_ask_for_the_same_new_name(row: Row) -> None:
    first, second = (list(islice(row.questions(Run(number, 3, 500)), 500)) for number in (1, 2))
    assert len({question.qname for question in first + second}) == 1000


def test_latency_queries_carry_their_client_subnet() -> None:
    question = next(iter(ask_from_subnets(LATENCY)(Run(1, 1, 1))))
    query = make_query(question, is_edns=True)
    assert query.question[0].name.to_text() == f"api.{POLICY}"
    assert [option.to_text() for option in query.options] == ["ECS 10.0.0.0/24 scope/0"]


def test_the_collection_has_a_thousand_blocks_and_clients_outside() -> None:
    assert len({block for block, _ in client_blocks()}) == 1000
    assert len({office for _, office in client_blocks()}) == 10
    sample = list(client_subnets())[:400]
    assert 0.3 < sum(cidr_address(subnet) == "127.0.0.19" for subnet in sample) / len(sample) < 0.8
    assert cidr_address("10.0.0.0/24") == "127.0.0.10"  # office0, outside of the narrow block
    assert cidr_address("10.0.16.0/24") == "127.0.0.15"  # office5, the narrow block in it
    assert cidr_address("10.0.32.0/24") == "127.0.0.19"  # in none


def test_virginians_get_the_target_of_their_country() -> None:
    shown = [geo_address(f"10.{n}.0.0/24") for n in range(4)]
    assert shown == ["127.0.0.2", "127.0.0.2", "127.0.0.3", "127.0.0.4"]


def test_no_right_answer_is_the_dead_target() -> None:
    sample = list(client_subnets())[:100]
    assert all(right(subnet) != DEAD for right in LOCATED.values() for subnet in sample)


@pytest.mark.parametrize("drawn", [WEIGHTED_ANSWERS, TREE_ANSWERS, MULTIVALUE_12_ANSWERS])
def test_shares_sum_to_the_size_of_an_answer(drawn: Drawn) -> None:
    assert sum(drawn.shares.values()) == pytest.approx(drawn.size)
    assert DEAD not in drawn.shares


def test_every_budget_is_of_a_row_or_of_loading_or_reload() -> None:
    assert {budget.row.split()[0] for budget in BUDGETS} <= {*KEYS, "bytes"}


def test_a_budget_is_judged_by_the_ratio_of_medians() -> None:
    text = format_report(make_report({"hot": {"r53lite": [5.0, 6.0, 50.0], "NSD": [5.0, 4.0, 5.0]}}))
    assert "| hot | 6.00 | NSD 5.00 | 1.20 | 1.3 × | met | 1.1 × | **not met** |" in text
    assert "| hot | 6.00 | BIND | not measured | 1 × |  | 1 × |  |" in text


def test_a_cell_holds_median_spread_and_ratio() -> None:
    text = format_report(make_report({"hot": {"r53lite": [6.0], "NSD": [5.0, 4.0, 8.0]}}))
    assert "| 6.00 | 5.00 (4.00–8.00) ×1.20 |" in text


def test_memory_of_a_record_is_the_difference_of_the_zones() -> None:
    small, large = Start(0.1, 0.1, 20_000_000), Start(1.0, 1.0, 20_000_000 + 300 * (LARGE_NAMES - 10))
    loading = Loading({"r53lite": [small]}, {"r53lite": [large]}, [2.0])
    text = format_report(Report(Results(), loading))
    assert "| memory of a record | 300 | – | – | 450 bytes | met | 250 bytes | **not met** |" in text
    assert "| load 1,000,000 records | 1.00 | named-checkzone 2.00 | 0.50 | 1.5 × | met | 1 × | met |" in text


def test_runs_are_shown_with_digits_by_size() -> None:
    assert [format_runs(runs) for runs in ([0.0], [1.234], [12.34], [1234.5])] == [
        "0",
        "1.23",
        "12.3",
        "1,234",
    ]


def test_minimal_answers_are_compared_without_the_apex() -> None:
    reply = dns.message.from_text(
        "id 1\nopcode QUERY\nrcode NOERROR\nflags QR AA\n;QUESTION\nwww.a. IN A\n"
        ";ANSWER\nwww.a. 9 IN A 192.0.2.1\n;AUTHORITY\na. 9 IN NS ns.a.\n"
    )
    assert describe(reply, is_minimal=True)[3] == (frozenset({"www.a. 9 A 192.0.2.1"}),)
    assert describe(reply, is_minimal=False)[3][1] == frozenset({"a. 9 NS ns.a."})


def test_tables_are_written_between_the_markers(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(f"above\n{BEGIN}\nold\n{END}\nbelow\n")
    save_report("new\n", path)
    assert path.read_text() == f"above\n{BEGIN}\n\nnew\n\n{END}\nbelow\n"


def test_a_peer_that_is_not_installed_is_named_and_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("benchmarks.peers.base.find_program", lambda name: None if name == "gdnsd" else name)
    assert find_peers(["NSD", "gdnsd"]) == {"NSD"}
    assert "gdnsd is not installed" in capsys.readouterr().err


def test_the_readme_has_the_markers() -> None:
    text = (Path(__file__).parents[2] / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert 0 < text.index(BEGIN) < text.index(END)
