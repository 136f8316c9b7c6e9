"""The soft limit of open files is raised towards the hard one, never lowered, and a refusal is no fault."""

from __future__ import annotations

import resource

import pytest

from r53lite.server.descriptors import raise_descriptor_limit

INFINITE = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("limits", "wanted", "expected"),
    [
        ((256, 1024), 4096, (1024, 1024)),
        ((256, 8192), 4096, (4096, 8192)),
        ((256, INFINITE), 4096, (4096, INFINITE)),
        ((8192, 8192), 4096, (8192, 8192)),
    ],
)
def test_the_soft_limit_is_raised(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], wanted: int, expected: tuple[int, int]
) -> None:
    held = [limits]
    monkeypatch.setattr(resource, "getrlimit", lambda _: held[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, new: held.append(new))
    assert raise_descriptor_limit(wanted) == expected[0]
    assert held[-1] == expected


def test_an_infinite_limit_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (INFINITE, INFINITE))
    assert raise_descriptor_limit(4096) == 4096


def test_a_refusal_leaves_the_old_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int, limits: tuple[int, int]) -> None:
        raise ValueError(limits)

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, INFINITE))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert raise_descriptor_limit(4096) == 256
