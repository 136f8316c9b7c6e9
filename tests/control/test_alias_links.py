"""Names of targets and collections become the things themselves; what dangles is told, loops are refused."""

from __future__ import annotations

from pathlib import Path

from r53lite.control.zone_files import LoadedFiles, load_zone_files
from r53lite.dns import rrtypes
from r53lite.dns.name import parse_name
from r53lite.routing.cidr_index import ClientPrefix
from r53lite.routing.record_set import OutsideTarget, RecordSet, RecordSetGroup

ZONE = """\
@    300 SOA ns1 admin 1 7200 900 1209600 300
@    300 NS  ns1
ns1  300 A   192.0.2.53
www  77  A   192.0.2.1
www  77  A   192.0.2.2
sub  300 NS  ns.sub
ns.sub 300 A 192.0.2.3
*.w  300 A   192.0.2.4
old  300 DNAME www
"""


def load(directory: Path, records: str, **others: str) -> LoadedFiles:
    """Load a zone from a master file and a policy file, and other files."""
    (directory / "r.test.zone").write_text(ZONE, encoding="utf-8")
    (directory / "r.test.yaml").write_text(f"zone: r.test\nrecords:\n{records}", encoding="utf-8")
    for name, text in others.items():
        (directory / f"{name}.yaml").write_text(text, encoding="utf-8")
    return load_zone_files([directory])


def group_at(loaded: LoadedFiles, owner: str, rrtype: int = rrtypes.A) -> RecordSetGroup:
    """Return the group that is served at a name."""
    (zone,) = loaded.zones
    node = zone.node(parse_name(owner))
    assert node is not None
    group = node.data[rrtype]
    assert isinstance(group, RecordSetGroup)
    return group


def target_at(loaded: LoadedFiles, owner: str) -> object:
    """Return what the only alias of a name leads to."""
    (record_set,) = group_at(loaded, owner).sets
    assert record_set.alias is not None
    return record_set.alias.target


def faults_of(loaded: LoadedFiles) -> list[str]:
    """Return the faults as text, paths cut to their names."""
    return [str(fault._replace(file=Path(fault.file).name)) for fault in loaded.faults]


def test_plain_data_is_a_simple_group_as_a_target(tmp_path: Path) -> None:
    loaded = load(tmp_path, "  - {name: a, type: A, alias: {target: www}}\n")
    rdatas = (bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2]))
    www = RecordSetGroup(parse_name("www.r.test."), rrtypes.A, "simple", (RecordSet("", 77, rdatas),))
    assert target_at(loaded, "a.r.test.") == www
    assert faults_of(loaded) == []


def test_a_chain_is_linked_to_its_end_whatever_the_order(tmp_path: Path) -> None:
    records = "".join(
        f"  - {{name: {name}, type: A, alias: {{target: {target}}}}}\n"
        for name, target in (("a", "b"), ("c", "www"), ("b", "c"))
    )
    loaded = load(tmp_path, records)
    b = target_at(loaded, "a.r.test.")
    assert b == group_at(loaded, "b.r.test.")
    c = target_at(loaded, "b.r.test.")
    assert c == group_at(loaded, "c.r.test.")
    assert isinstance(target_at(loaded, "c.r.test."), RecordSetGroup)


def test_a_dangling_alias_is_a_warning_with_its_reason(tmp_path: Path) -> None:
    targets = {"a": "nowhere", "b": "x.w", "c": "ns.sub", "d": "sub", "e": "@", "f": "x.old"}
    records = "".join(
        f"  - {{name: {name}, type: A, alias: {{target: {target!r}}}}}\n" for name, target in targets.items()
    )
    loaded = load(tmp_path, records)
    loaded.raise_for_errors()
    missing, hidden = "there is no such name in the zone", "it lies at or below a delegation or a DNAME"
    wildcard = "only a wildcard gives that name"
    reasons = (missing, wildcard, hidden, hidden, "the name has no such record", missing)
    names = ("nowhere.r.test.", "x.w.r.test.", "ns.sub.r.test.", "sub.r.test.", "r.test.", "x.old.r.test.")
    assert faults_of(loaded) == [
        f"r.test.yaml:{line}: warning: alias target {name!r} A does not exist, so the alias is unusable:"
        f" {reason}"
        for line, name, reason in zip(range(3, 9), names, reasons, strict=True)
    ]
    assert target_at(loaded, "a.r.test.") is None


def test_names_outside_the_zone_are_gathered(tmp_path: Path) -> None:
    loaded = load(tmp_path, "  - {name: a, type: A, alias: {target: lb.example.}}\n")
    assert loaded.outside == {OutsideTarget(parse_name("lb.example."), rrtypes.A)}
    assert target_at(loaded, "a.r.test.") == OutsideTarget(parse_name("lb.example."), rrtypes.A)


def test_another_zone_of_ours_is_outside(tmp_path: Path) -> None:
    loaded = load(tmp_path, "  - {name: a, type: AAAA, alias: {target: www.other.test.}}\n")
    assert loaded.outside == {OutsideTarget(parse_name("www.other.test."), rrtypes.AAAA)}


CIDR = """\
  - {name: a, type: A, ttl: 1, policy: cidr, sets: [
      {id: b, cidr: {collection: offices, location: berlin}, values: [192.0.2.1]}]}
  - {name: b, type: A, ttl: 1, policy: cidr, sets: [
      {id: b, cidr: {collection: offices, location: berlin}, values: [192.0.2.1]}]}
"""
OFFICES = "cidr_collections: {offices: {berlin: [198.51.100.0/24]}}\n"


def test_collections_are_global_and_groups_of_equal_locations_share_their_blocks(tmp_path: Path) -> None:
    loaded = load(tmp_path, CIDR, shared=OFFICES)
    loaded.raise_for_errors()
    blocks = group_at(loaded, "a.r.test.").blocks
    assert blocks is not None
    assert blocks is group_at(loaded, "b.r.test.").blocks


def test_a_collection_of_two_files_is_an_error(tmp_path: Path) -> None:
    loaded = load(tmp_path, CIDR, first=OFFICES, second=OFFICES)
    (fault,) = faults_of(loaded)
    assert fault.startswith("second.yaml:1: CIDR collection 'offices' is defined already at ")
    assert fault.endswith("first.yaml:1")


# --- what a reload keeps ------------------------------------------------------------------------------------


def reload(directory: Path, before: LoadedFiles) -> LoadedFiles:
    """Load again what changed."""
    loaded = load_zone_files([directory], kept=before.kept)
    loaded.raise_for_errors()
    return loaded


def test_a_changed_collection_is_in_the_groups_that_use_it(tmp_path: Path) -> None:
    before = load(tmp_path, CIDR, shared=OFFICES)
    client = ClientPrefix(bytes([203, 0, 113, 1]), 32)
    (tmp_path / "shared.yaml").write_text(OFFICES.replace("198.51.100.0", "203.0.113.0"), encoding="utf-8")
    after = reload(tmp_path, before)
    blocks = [group_at(loaded, "a.r.test.").blocks for loaded in (before, after)]
    assert [None if one is None else one.match(client).locations for one in blocks] == [
        ("*",),
        ("berlin", "*"),
    ]


def test_a_collection_that_is_gone_is_missed(tmp_path: Path) -> None:
    before = load(tmp_path, CIDR, shared=OFFICES)
    (tmp_path / "shared.yaml").unlink()
    after = load_zone_files([tmp_path], kept=before.kept)
    assert faults_of(after) == [
        f"r.test.yaml:{line}: CIDR collection 'offices' is not defined" for line in (4, 6)
    ]


def test_a_zone_stays_the_same_where_only_the_lines_of_a_collection_changed(tmp_path: Path) -> None:
    before = load(tmp_path, CIDR, shared=OFFICES)
    (tmp_path / "shared.yaml").write_text(f"# moved\n{OFFICES}", encoding="utf-8")
    assert reload(tmp_path, before).zones[0] is before.zones[0]


def test_a_zone_that_is_kept_keeps_its_outside_names(tmp_path: Path) -> None:
    before = load(tmp_path, "  - {name: a, type: A, alias: {target: lb.example.}}\n")
    (tmp_path / "other.yaml").write_text("health_checks: {x: {type: HTTP, ip: 127.0.0.1}}", encoding="utf-8")
    after = reload(tmp_path, before)
    assert after.zones[0] is before.zones[0]
    assert after.outside == before.outside != frozenset()


def test_loops_are_told_beside_other_faults_of_the_zone(tmp_path: Path) -> None:
    records = (
        "  - {name: a, type: A, alias: {target: b}}\n"
        "  - {name: b, type: A, alias: {target: a}}\n"
        "  - {name: c, type: A, ttl: 60, values: [192.0.2.1]}\n"
        "  - {name: c, type: CNAME, ttl: 60, values: [www]}\n"
    )
    assert [fault.partition(" (")[0] for fault in faults_of(load(tmp_path, records))] == [
        "r.test.yaml:4: alias loop of type A: a.r.test. -> b.r.test. -> a.r.test.",
        "r.test.yaml:6: owner 'c.r.test.' has CNAME and A; a CNAME must be alone",
    ]
