"""What is the smallest zone set that still shows a difference?

Every round tries many smaller sets at once: they stand side by side in one start of the servers. A candidate
counts when its difference has the same signature.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.differential.judge import Failure
from tests.differential.model import CLASS_IN, ZoneSet
from tests.differential.run import Tally, judge_batch
from tests.differential.servers import ServerError

MAX_ROUNDS = 40
_NEEDED = 2  # SOA and the first NS stand first


def shrink(failure: Failure) -> Failure:
    """Return the failure with as little zone data and as plain a question as still shows it."""
    best = failure
    for _ in range(MAX_ROUNDS):
        candidates = list(_smaller(best))
        found = _first_failing(candidates, best.verdict.signature)
        if found is None:
            return best
        best = found
    return best


def _first_failing(candidates: list[ZoneSet], signature: str) -> Failure | None:
    """Return the first candidate, the smallest first, that fails in the same way."""
    if candidates and candidates[0].is_root:
        batches = [[candidate] for candidate in candidates]
    else:
        batches = [candidates]
    for batch in batches:
        try:
            failures = judge_batch(batch, Tally())
        except ServerError:
            continue  # a candidate that a peer refuses
        for failure in failures:
            if failure.verdict.signature == signature:
                return failure
    return None


def _smaller(failure: Failure) -> Iterator[ZoneSet]:
    """Yield sets with less in them, the boldest cuts first, each with the one question."""
    zone_set, question = failure.placed.zone_set, failure.question
    plain = [
        question._replace(is_recursive=False),
        question._replace(is_checking_disabled=False),
        question._replace(is_authentic=False),
        question._replace(case_seed=0),
        question._replace(is_dnssec_ok=False),
        question._replace(payload=None, is_dnssec_ok=False),
        question._replace(is_tcp=False),
        question._replace(qclass=CLASS_IN),
    ]
    if len(zone_set.zones) > 1:
        for zone in zone_set.zones:
            rest = tuple(other for other in zone_set.zones if other != zone)
            yield zone_set._replace(zones=rest, questions=(question,))
    most = max(len(zone.records) for zone in zone_set.zones)
    length = most
    while length:
        yield from _without_stretch(zone_set._replace(questions=(question,)), length)
        length //= 2
    for simpler in plain:
        if simpler != question:
            yield zone_set._replace(questions=(simpler,))


def _without_stretch(zone_set: ZoneSet, length: int) -> Iterator[ZoneSet]:
    """Yield the set without each stretch of so many records."""
    for at, zone in enumerate(zone_set.zones):
        for start in range(_NEEDED, len(zone.records), length):
            kept = zone.records[:start] + zone.records[start + length :]
            smaller = zone._replace(records=kept)
            yield zone_set._replace(zones=(*zone_set.zones[:at], smaller, *zone_set.zones[at + 1 :]))
