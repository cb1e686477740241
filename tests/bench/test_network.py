"""Figures of a network on more threads."""

from __future__ import annotations

import time

import pytest
import torch
from torch import nn

from mobilekernels.bench.network import speedup
from mobilekernels.bench.pinning import cpus


class Divided(nn.Module):
    """Takes half as long on two threads."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        time.sleep(0.1 / torch.get_num_threads())
        return x


def test_speedup_is_the_time_of_one_thread_over_that_of_more() -> None:
    before = torch.get_num_threads()
    assert speedup(Divided(), (torch.ones(1),), threads=2, rounds=3) == pytest.approx(2.0, rel=0.2)
    assert torch.get_num_threads() == before


def test_there_is_a_cpu() -> None:
    assert cpus() >= 1
