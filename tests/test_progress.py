"""Progress: a bar on a terminal, lines in a log, silence where it is asked for."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator

import pytest

import mobilekernels as mk
from mobilekernels.progress import track
from tests.pruning.networks import network


class Terminal:
    """Takes stderr's place within a test: pytest gives each of its phases a stderr of its own."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        pytest.importorskip("rich", reason="rich is not installed (pip install mobilekernels[demo])")
        patch.setenv("TERM", "xterm")
        patch.setenv("COLUMNS", "120")
        self._shown, end = os.openpty()
        self._stream = os.fdopen(end, "w")
        os.set_blocking(self._shown, False)
        patch.setattr(sys, "stderr", self._stream)

    def read(self) -> str:
        """What was shown since the last call."""
        self._stream.flush()
        text = b""
        with contextlib.suppress(BlockingIOError):
            while True:
                text += os.read(self._shown, 4096)
        return text.decode()

    def close(self) -> None:
        self._stream.close()
        os.close(self._shown)


@pytest.fixture
def terminal() -> Iterator[Callable[[], Terminal]]:
    with contextlib.ExitStack() as stack, pytest.MonkeyPatch.context() as patch:

        def make() -> Terminal:
            return stack.enter_context(contextlib.closing(Terminal(patch)))

        yield make


def test_a_terminal_gets_a_bar(terminal: Callable[[], Terminal]) -> None:
    done: list[int] = []
    screen = terminal()
    for item in track(range(3), lambda: f"Counting, {len(done)} counted"):
        done.append(item)
    text = screen.read()
    assert "Counting, 3 counted" in text
    assert "3/3" in text
    assert done == [0, 1, 2]


def test_a_log_gets_lines_or_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    assert list(track(iter("abc"), "Reading", total=3)) == ["a", "b", "c"]
    assert "Reading: 3/3 done" in capfd.readouterr().err
    assert list(track("abc", "Reading", lines=False)) == ["a", "b", "c"]
    assert list(track("abc", "Reading", show=False)) == ["a", "b", "c"]
    assert capfd.readouterr() == ("", "")


def test_pruning_shows_a_bar(terminal: Callable[[], Terminal]) -> None:
    screen = terminal()
    mk.prune(network(), 0.8, progress=False)
    assert screen.read() == ""
    mk.prune(network(), 0.8)
    text = screen.read()
    assert "Judging blocks" in text
    assert "Pruning" in text
    assert "4/4" in text  # layers


def test_pruning_is_silent_in_a_log(capfd: pytest.CaptureFixture[str]) -> None:
    mk.prune(network(), 0.8)
    assert capfd.readouterr() == ("", "")


def test_a_pruner_tells_the_sparsity_as_it_rises(terminal: Callable[[], Terminal]) -> None:
    screen = terminal()
    pruner = mk.prune(network(), 0.8, schedule=mk.CubicSchedule(updates=2, every=1))
    for _ in pruner.track(range(3), "Epoch 1", show=False):
        pass
    assert screen.read() == ""
    for _ in pruner.track(range(3), "Epoch 1"):
        pruner.step()
    assert "Epoch 1, 80% zeros" in screen.read()
