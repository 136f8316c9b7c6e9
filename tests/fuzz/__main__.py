"""Runs the fuzzers: `python -m tests.fuzz [PART …] [--packets N] [--seed S]`; see --help."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

from tests.fuzz.codec import CodecFuzzer
from tests.fuzz.door import KINDS, DoorFuzzer
from tests.fuzz.packets import Request
from tests.fuzz.reader import ReaderFuzzer
from tests.fuzz.report import Report
from tests.fuzz.sockets import SocketFuzzer

SHARES = {
    "door": 1,
    "codec": 10,
    "reader": 1000,
    "sockets": 100,
}  # of N packets, one in so many goes to the part


def main() -> int:
    """Run the parts that are asked for; return 1 where a fault was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*SHARES, []], help="default: all of them")
    parser.add_argument(
        "--packets", type=int, default=1_000_000, help="through the door; the others take a share"
    )
    parser.add_argument("--seed", type=int, help="default: by chance, and printed")
    parser.add_argument("--block", type=int, help="run this block alone, as a fault's report says")
    parser.add_argument("--replay", metavar="HEX", help="run one case; with the options below")
    parser.add_argument(
        "--door", type=int, default=0, choices=range(len(KINDS)), help="which settings of the door"
    )
    parser.add_argument("--client", default="127.0.0.1", help="whose address the packet comes from")
    parser.add_argument("--stream", action="store_true", help="as over TCP")
    parser.add_argument("--yaml", action="store_true", help="the case is a policy file")
    options = parser.parse_args()
    seed = random.SystemRandom().getrandbits(32) if options.seed is None else options.seed
    reports = [run(part, seed, options) for part in options.parts or SHARES]
    for report in reports:
        report.print_all()
    return 1 if any(report.faults for report in reports) else 0


def run(part: str, seed: int, options: argparse.Namespace) -> Report:
    """Run one part: a single case, a single block, or its share of the packets."""
    report = Report(part, seed, is_shown=sys.stderr.isatty())
    cases = max(1, options.packets // SHARES[part] if len(options.parts) != 1 else options.packets)
    first = options.block or 0
    replay = None if options.replay is None else bytes.fromhex(options.replay)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        if part == "door":
            _run_door(DoorFuzzer(report), cases, options, replay)
        elif part == "codec":
            codec = CodecFuzzer(report)
            codec.run(cases if options.block is None else 1, first) if replay is None else codec.replay(
                replay
            )
        elif part == "reader":
            reader = ReaderFuzzer(report, directory)
            if replay is not None:
                reader.replay(replay, is_yaml=options.yaml)
            else:
                reader.run(cases if options.block is None else 1, first)
        else:
            asyncio.run(SocketFuzzer(report, directory).run(cases))
    return report


def _run_door(fuzzer: DoorFuzzer, cases: int, options: argparse.Namespace, replay: bytes | None) -> None:
    if replay is not None:
        fuzzer.replay(Request(replay, options.client, options.stream), options.door)
    elif options.block is not None:
        fuzzer.run_block(options.block)
    else:
        fuzzer.run_mazes()
        fuzzer.run(cases)


if __name__ == "__main__":
    sys.exit(main())
