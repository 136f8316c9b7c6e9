"""The bar of a long load: for a person, and only when it is worth it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from r53lite.cli.progress import LoadingBar


def clock_of(*times: float) -> Iterator[float]:
    yield from times


def test_a_load_of_more_than_a_second_shows_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    times = clock_of(0.0, 0.5, 1.5)
    with LoadingBar(is_terminal=True, clock=lambda: next(times)) as bar:
        bar(10, 100)
        assert capsys.readouterr().err == ""
        bar(50, 100)
        bar(100, 200)
    assert "loading zones" in capsys.readouterr().err


@pytest.mark.parametrize(("is_terminal", "now"), [(True, 0.9), (False, 9.0)])
def test_a_short_load_and_a_pipe_show_none(
    is_terminal: bool, now: float, capsys: pytest.CaptureFixture[str]
) -> None:
    times = clock_of(0.0, now)
    with LoadingBar(is_terminal=is_terminal, clock=lambda: next(times)) as bar:
        bar(50, 100)
    assert capsys.readouterr().err == ""
