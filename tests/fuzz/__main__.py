"""Runs the fuzzers: `python -m tests.fuzz [PART …] [--packets N] [--seed S]`; see --help."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
from pathlib import Path

from tests.fuzz.codec import BLOCK_CASES as CODEC_BLOCK
from tests.fuzz.codec import CodecFuzzer
from tests.fuzz.door import KINDS, DoorFuzzer
from tests.fuzz.packets import Request
from tests.fuzz.reader import BLOCK_CASES as READER_BLOCK
from tests.fuzz.reader import ReaderFuzzer
from tests.fuzz.report import Report
from tests.fuzz.sockets import SocketFuzzer

SHARES = {"door": 1, "codec": 10, "reader": 500, "sockets": 100}  # of N packets, one in so many


def main() -> int:
    """Run the parts that are asked for; return 1 where a fault was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*SHARES, []], help="default: all of them")
    parser.add_argument(
        "--packets", type=int, default=1_000_000, help="through the door; the others take a share"
    )
    parser.add_argument(
        "--deep-every",
        type=int,
        default=1,
        help="read the replies to one packet in so many; look at the others from outside",
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
    parts = options.parts or list(SHARES)
    print(f"seed {seed}: {', '.join(parts)}", file=sys.stderr, flush=True)
    reports = [Report(part, seed, is_terminal=sys.stderr.isatty()) for part in parts]
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C ends a long run, and its report is still wanted
        for report in reports:
            run(report, options)
    for report in reports:
        report.print_all()
    return 1 if any(report.faults for report in reports) else 0


def run(report: Report, options: argparse.Namespace) -> None:
    """Run one part: a single case, a single block, or its share of the packets."""
    part = report.part
    cases = max(1, options.packets // SHARES[part] if len(options.parts) != 1 else options.packets)
    first = options.block or 0
    replay = None if options.replay is None else bytes.fromhex(options.replay)
    with tempfile.TemporaryDirectory() as name, report:
        directory = Path(name)
        if part == "door":
            _run_door(DoorFuzzer(report, options.deep_every), cases, options, replay)
        elif part == "codec":
            codec = CodecFuzzer(report)
            if replay is None:
                codec.run(CODEC_BLOCK if options.block is not None else cases, first)
            else:
                codec.replay(replay)
        elif part == "reader":
            reader = ReaderFuzzer(report, directory)
            if replay is None:
                reader.run(READER_BLOCK if options.block is not None else cases, first)
            else:
                reader.replay(replay, is_yaml=options.yaml)
        else:
            asyncio.run(SocketFuzzer(report, directory).run(cases))


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
