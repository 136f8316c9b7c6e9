"""$INCLUDE: what it reads, where it may look, and how its faults are told (RFC 1035 §5.1)."""

from __future__ import annotations

from pathlib import Path

import pytest

from r53lite.control.zone_files import LoadedFiles, load_zone_files
from r53lite.dns.name import format_name
from r53lite.zone.master_file import MAX_INCLUDE_DEPTH

APEX = "$TTL 300\n@ SOA ns.x.net. h 1 2 3 4 5\n@ NS ns.x.net.\n"  # lines 1 to 3


def load(directory: Path, files: dict[str, str]) -> tuple[list[str], list[str], LoadedFiles]:
    """Write files (`main` is the zone) and load; return owners below the apex, faults, and everything."""
    zones = directory / "zones"
    for name, text in files.items():
        path = zones / ("example.com.zone" if name == "main" else name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(APEX + text if name == "main" else text, encoding="utf-8")
    loaded = load_zone_files([zones])
    owners = [
        format_name(owner).removesuffix(".example.com.") for zone in loaded.zones for owner in zone.names
    ]
    faults = [str(fault).replace(f"{zones}/", "") for fault in loaded.faults]
    return sorted(set(owners) - {"example.com."}), faults, loaded


def test_a_file_is_read_in_place_below_the_origin_it_is_given(tmp_path: Path) -> None:
    files = {
        "main": 'a A 192.0.2.1\n$INCLUDE parts/b.txt\n$include "parts/c d.txt" sub ; below\n A 192.0.2.2\n',
        "parts/b.txt": " A 192.0.2.3\nb A 192.0.2.1\n$ORIGIN deep\nc A 192.0.2.1\n",
        "parts/c d.txt": "d A 192.0.2.1\n@ A 192.0.2.1",
    }
    owners, faults, loaded = load(tmp_path, files)
    assert not faults
    assert owners == ["a", "b", "c.deep", "d.sub", "deep", "sub"]
    (zone,) = loaded.zones
    node = zone.node(b"\x01a\x07example\x03com\x00")
    assert node is not None
    assert zone.record_count == 2 + 3 + 2 + 2
    assert [Path(file).name for file in zone.files] == ["example.com.zone", "b.txt", "c d.txt"]
    assert [path.name for path in loaded.included_files] == ["b.txt", "c d.txt"]


def test_a_path_is_relative_to_the_file_that_names_it(tmp_path: Path) -> None:
    files = {
        "main": "$INCLUDE parts/b.txt\n",
        "parts/b.txt": "$INCLUDE c.txt\n",
        "parts/c.txt": "c A 192.0.2.1\n",
    }
    assert load(tmp_path, files)[:2] == (["c"], [])


def test_faults_carry_the_name_and_line_of_the_included_file(tmp_path: Path) -> None:
    files = {"main": "$INCLUDE b.txt\nx A 1\n", "b.txt": "\nb A 1.2.3\nc CNAME d\nc A 192.0.2.1\n"}
    _, faults, loaded = load(tmp_path, files)
    assert not loaded.zones
    assert [fault.split(": ")[0] for fault in faults] == ["b.txt:2", "b.txt:4", "example.com.zone:5"]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {"main": "$INCLUDE example.com.zone\n"},
            "example.com.zone:4: file '{zones}/example.com.zone' includes itself",
        ),
        (
            {"main": "$INCLUDE b.txt\n", "b.txt": "$INCLUDE c.txt\n", "c.txt": "\n$INCLUDE ./b.txt\n"},
            "c.txt:2: file '{zones}/b.txt' includes itself",
        ),
        ({"main": "$INCLUDE missing.txt\n"}, "example.com.zone:4: cannot include 'missing.txt': "),
        ({"main": "$INCLUDE parts\n", "parts/x": ""}, "example.com.zone:4: cannot include 'parts': "),
        ({"main": "$INCLUDE ../other.txt\n"}, "'../other.txt': it is outside the directory"),
        ({"main": "$INCLUDE /etc/hostname\n"}, "'/etc/hostname': it is outside the directory"),
        ({"main": "$INCLUDE b.txt a..b\n", "b.txt": ""}, "empty label in name 'a..b'"),
        ({"main": "$INCLUDE b\\000.txt\n"}, "cannot include"),
        (
            {"main": "$INCLUDE 0.txt\n"}
            | {f"{level}.txt": f"$INCLUDE {level + 1}.txt\n" for level in range(MAX_INCLUDE_DEPTH + 1)},
            f"files include each other over {MAX_INCLUDE_DEPTH} levels",
        ),
    ],
)
def test_what_may_not_be_included_is_an_error_at_its_line(
    tmp_path: Path, files: dict[str, str], expected: str
) -> None:
    (tmp_path / "other.txt").write_text("secret A 192.0.2.1\n", encoding="utf-8")
    _, faults, loaded = load(tmp_path, files)
    assert not loaded.zones
    assert len(faults) == 1
    assert expected.replace("{zones}/", "") in faults[0]


def test_a_symbolic_link_that_leads_out_of_the_directory_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "other.txt").write_text("secret A 192.0.2.1\n", encoding="utf-8")
    (tmp_path / "zones").mkdir()
    (tmp_path / "zones" / "link.txt").symlink_to(tmp_path / "other.txt")
    _, faults, _ = load(tmp_path, {"main": "$INCLUDE link.txt\n"})
    assert len(faults) == 1
    assert "it is outside the directory" in faults[0]


def test_a_symbolic_link_to_the_file_itself_is_found(tmp_path: Path) -> None:
    (tmp_path / "zones").mkdir()
    (tmp_path / "zones" / "link.txt").symlink_to(tmp_path / "zones" / "example.com.zone")
    _, faults, _ = load(tmp_path, {"main": "$INCLUDE link.txt\n"})
    assert len(faults) == 1
    assert "includes itself" in faults[0]


def test_progress_counts_included_bytes_too(tmp_path: Path) -> None:
    load(tmp_path, {"main": "$INCLUDE b.txt\n", "b.txt": "b A 192.0.2.1\n"})
    steps: list[tuple[int, int]] = []
    load_zone_files([tmp_path / "zones"], progress=lambda done, total: steps.append((done, total)))
    done, total = steps[-1]
    assert done == total == sum(path.stat().st_size for path in (tmp_path / "zones").iterdir())
