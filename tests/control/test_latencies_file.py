"""A latency matrix is read row by row; every fault has its line."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from r53lite.control.latencies_file import read_latencies
from r53lite.errors import Faults
from r53lite.routing.latencies import LatencyRow

GOOD = """# measured in May

from, us-east-1, eu-west-1
us-west-2, 61.5, 130
"10.0.0.0/8",, 20
2001:db8::/32, 5
"""


def test_rows_of_regions_and_networks() -> None:
    faults = Faults("zones/ms.csv")
    matrix = read_latencies(GOOD, faults)
    assert faults.items == []
    assert matrix.regions == {"us-west-2": LatencyRow({"us-east-1": 61.5, "eu-west-1": 130.0}, "ms.csv:4")}
    assert dict(matrix.networks) == {
        ip_network("10.0.0.0/8"): LatencyRow({"eu-west-1": 20.0}, "ms.csv:5"),
        ip_network("2001:db8::/32"): LatencyRow({"us-east-1": 5.0}, "ms.csv:6"),
    }


HEAD = "from,us-east-1,eu-west-1\n"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "0: no row that names regions"),
        ("from\n", "1: the first row names no region"),
        ("from,us-weast-2\n", "1: column 2: unknown region 'us-weast-2'; did you mean 'us-west-2'?"),
        ("from,us-east-1,us-east-1\n", "1: column 3: region 'us-east-1' has a column already"),
        (HEAD + "us-wst-2,1,2\n", "2: unknown region 'us-wst-2'; did you mean 'us-west-2'?"),
        (
            HEAD + "10.0.0.1/8,1,2\n",
            "2: expected a region or a network, got '10.0.0.1/8' (10.0.0.1/8 has host bits set)",
        ),
        (HEAD + "us-west-2,1,2\n\nus-west-2,1,2\n", "4: 'us-west-2' has a row already"),
        (HEAD + "us-west-2,1,2,3\n", "2: 3 latencies for 2 regions"),
        (HEAD + "us-west-2,-1,2\n", "2: us-east-1: '-1'; expected milliseconds from 0 to 60000"),
        (HEAD + "us-west-2,nan,2\n", "2: us-east-1: 'nan'; expected milliseconds from 0 to 60000"),
        (HEAD + "us-west-2,1,2 ms\n", "2: eu-west-1: '2 ms'; expected milliseconds from 0 to 60000"),
        (HEAD + 'us-west-2,"1\n', "2: not valid CSV: unexpected end of data"),
        (HEAD + "us-west-2," + "1" * 1001 + "\n", "2: a cell is longer than 1000 characters"),
    ],
)
def test_faults(text: str, fault: str) -> None:
    faults = Faults("ms.csv")
    read_latencies(text, faults)
    assert [f"{item.line}: {item.reason}" for item in faults.items] == [fault]
