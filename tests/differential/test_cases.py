"""Written cases: r53lite answers them as the RFCs say, and NSD and Knot say the same."""

from __future__ import annotations

import tempfile
from pathlib import Path

import dns.rdata
import pytest

from tests.differential.cases import Expected, WrittenCase, read_cases
from tests.differential.compare import FLAGS, SECTIONS, describe, rcode_text
from tests.differential.model import TYPES, Record
from tests.differential.run import Tally, judge_batch
from tests.differential.servers import Placed, place, serving
from tests.differential.wire import Answer, Rr, Section

CASES = read_cases()


@pytest.fixture(scope="module")
def answers() -> dict[str, list[Answer]]:
    """Return our answers to all questions, by the name of the case; cases with a root zone go alone."""
    found: dict[str, list[Answer]] = {}
    for batch in _batches(CASES):
        placed = place([case.zone_set for case in batch])
        with (
            tempfile.TemporaryDirectory(prefix="cases-") as directory,
            serving(placed, Path(directory) / "run", names=("r53lite",)) as servers,
        ):
            for case, one in zip(batch, placed, strict=True):
                questions = [(question, one.base) for question in case.zone_set.questions]
                found[case.name] = servers.ask("r53lite", questions)
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_our_answer_is_the_written_one(case: WrittenCase, answers: dict[str, list[Answer]]) -> None:
    base = _placed(case).base
    faults = []
    for expected, answer in zip(case.expected, answers[case.name], strict=True):
        missing = _missing(expected, answer, base)
        if missing:
            faults.append(f"{expected.question.describe(base)}: {'; '.join(missing)}\n{describe(answer)}")
    assert not faults, "\n".join(faults)


@pytest.mark.timeout(60)
def test_nsd_and_knot_agree_with_our_answers_to_the_written_cases() -> None:
    failures = []
    for batch in _batches([case for case in CASES if case.has_peers]):
        failures += judge_batch([case.zone_set for case in batch], Tally())
    assert not failures, "\n\n".join(failure.describe() for failure in failures)


def _batches(cases: list[WrittenCase]) -> list[list[WrittenCase]]:
    together = [case for case in cases if not case.zone_set.is_root]
    return [together, *([case] for case in cases if case.zone_set.is_root)]


def _placed(case: WrittenCase) -> Placed:
    batch = next(batch for batch in _batches(CASES) if case in batch)
    return place([each.zone_set for each in batch])[batch.index(case)]


def _missing(expected: Expected, answer: Answer, base: tuple[bytes, ...]) -> list[str]:
    """Return what the answer lacks, or has too much of in its answer section."""
    found = []
    flags = frozenset(flag for flag, bit in FLAGS.items() if answer.flags & bit) - {"rd"}
    if (rcode_text(answer.rcode), flags) != (expected.rcode, expected.flags):
        found.append(f"expected {expected.rcode} {' '.join(sorted(expected.flags))}")
    for section in SECTIONS:
        given: Section = getattr(answer, section)
        wanted = [record for name, record in expected.records if name == section]
        found += [
            f"no {record.text(base)!r} in {section}"
            for record in wanted
            if not any(_is_same(record, rr, base) for rr in given)
        ]
        if section == "answer" and len(wanted) != given.total():
            found.append(f"{given.total()} records in the answer section, not {len(wanted)}")
    return found


def _is_same(record: Record, rr: Rr, base: tuple[bytes, ...]) -> bool:
    """Compare a written record with one of an answer; of an SOA without rdata the owner alone."""
    if (record.owner.wire(base).lower(), TYPES[record.rrtype], record.ttl) != (rr.owner, rr.rrtype, rr.ttl):
        return False
    if not record.rdata:
        return True
    text = record.text(base).split(maxsplit=4)[4]
    rdata = dns.rdata.from_text("IN", record.rrtype, text).to_wire()
    assert rdata is not None
    return rdata.lower() == rr.rdata.lower()
