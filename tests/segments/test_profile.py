"""`mk.profile`: every operator that runs has a time, and the parts add up."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import mobilekernels as mk


class Net(nn.Module):
    """Two segments, with PyTorch's softmax between."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU6())
        self.depthwise = nn.Conv2d(16, 16, 3, 1, 1, groups=16)
        self.head = nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.softmax(self.depthwise(self.stem(x)), dim=1)
        return self.head(torch.flatten(nn.functional.adaptive_avg_pool2d(x, 1), 1))


@pytest.fixture(scope="module")
def model() -> mk.ConvertedModel:
    torch.manual_seed(0)
    x = torch.randn(2, 3, 16, 16)
    return mk.convert(mk.quantize(Net().eval(), [(x,)]), (x,))[0]


@pytest.mark.parametrize("threads", [1, 2])
def test_profile(model: mk.ConvertedModel, threads: int) -> None:
    found = mk.profile(model, (torch.randn(1, 3, 32, 32),), calls=4, threads=threads)
    assert [each.operator for each in found.operators if each.macs] == ["conv2d", "conv2d", "linear"]
    # Three taps by three of three channels; of one; sixteen features.
    assert [each.macs for each in found.operators if each.macs] == [16 * 256 * 27, 16 * 256 * 9, 5 * 16]
    assert found.operators[1].shape == (1, 16, 16, 16)
    assert all(each.microseconds > 0 for each in found.operators)
    assert found.whole > 0
    assert found.inside > 0
    assert found.between >= 0
    assert found.outside >= found.between
    assert len(found.rows()) == 1 + len(found.operators)
    assert "us a call" in found.summary()
    assert found.to_dict()["operators"][1]["macs"] == 16 * 256 * 27


def test_wrong_arguments_are_named(model: mk.ConvertedModel) -> None:
    with pytest.raises(TypeError, match="model: given Linear"):
        mk.profile(nn.Linear(2, 2), (torch.ones(1, 2),))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="calls: given 0"):
        mk.profile(model, (torch.randn(1, 3, 32, 32),), calls=0)
