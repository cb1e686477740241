"""``mobilekernels.quantize``: data in every form, bad arguments, and what it leaves alone."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import mobilekernels as mk
from mobilekernels.metrics import sqnr
from tests.quantization.graphs import input_params, operators


def small() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(4))


@pytest.fixture
def model() -> nn.Module:
    built = small()
    built(torch.randn(1, 3, 6, 6))
    return built.eval()


IMAGES = torch.randn(8, 3, 6, 6, generator=torch.Generator().manual_seed(5))
LABELS = torch.arange(8)


def generator() -> Iterator[torch.Tensor]:
    yield from IMAGES.split(2)


FORMS: dict[str, Callable[[], Any]] = {
    "tensors": lambda: list(IMAGES.split(2)),
    "tuples": lambda: [(part,) for part in IMAGES.split(2)],
    "pairs": lambda: list(zip(IMAGES.split(2), LABELS.split(2), strict=True)),
    "pairs with numbers": lambda: [(image[None], 3) for image in IMAGES],
    "lists": lambda: [[part, label] for part, label in zip(IMAGES.split(2), LABELS.split(2), strict=True)],
    "generator": generator,
    "DataLoader": lambda: DataLoader(TensorDataset(IMAGES, LABELS), batch_size=3),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_data_gives_the_same_ranges(model: nn.Module, form: str) -> None:
    graph = mk.quantize(model, FORMS[form](), observer="minmax", progress=False)
    scale, _ = input_params(operators(graph)[0])
    assert scale == pytest.approx(float(IMAGES.max() - IMAGES.min()) / 255, rel=1e-6)


@pytest.mark.parametrize("observer", ["histogram", "minmax", "mse"])
def test_observers_keep_the_signal(model: nn.Module, observer: str) -> None:
    graph = mk.quantize(model, [IMAGES], observer=observer, progress=False)
    with torch.no_grad():
        assert sqnr(model(IMAGES), graph(IMAGES)) > 30


BAD: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "no module": ({"model": torch.relu}, TypeError, "model: given a builtin"),
    "half": ({"model": small().half()}, ValueError, "model: 0.weight is torch.float16"),
    "tensor": ({"calibration_data": IMAGES}, TypeError, "calibration_data: given one tensor of shape"),
    "dict": ({"calibration_data": {"x": IMAGES}}, TypeError, "calibration_data: given a dict"),
    "number": ({"calibration_data": 3}, TypeError, "calibration_data: given a int"),
    "empty": ({"calibration_data": []}, ValueError, "calibration_data: given an empty list"),
    "array": ({"calibration_data": [IMAGES.numpy()]}, TypeError, r"calibration_data\[0\]: given a ndarray"),
    "late": ({"calibration_data": [IMAGES, "x"]}, TypeError, r"calibration_data\[1\]: given a str"),
    "NaN": (
        {"calibration_data": [IMAGES, IMAGES * torch.nan]},
        ValueError,
        r"calibration_data\[1\]: given NaN",
    ),
    "no rows": (
        {"calibration_data": [IMAGES[:0]]},
        ValueError,
        r"calibration_data\[0\]: given an empty tensor",
    ),
    "other shape": (
        {"calibration_data": [IMAGES, IMAGES[:, :, :5]]},
        ValueError,
        r"calibration_data\[1\]: .*shapes",
    ),
    "observer": ({"observer": "median"}, ValueError, "observer: given 'median'; accepted are"),
    "bits": ({"bits": 4}, NotImplementedError, "bits: given 4; accepted is 8"),
    "skip": ({"skip": ("classifier",)}, ValueError, r"skip: \['classifier'\] match no module"),
    "skip type": ({"skip": "0"}, TypeError, "skip: given '0'"),
    "example": ({"example_inputs": IMAGES}, TypeError, "example_inputs: given a Tensor"),
    "two inputs": (
        {"example_inputs": (IMAGES, IMAGES)},
        ValueError,
        r"calibration_data\[0\]: given 1 inputs",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_argument_is_named(model: nn.Module, case: str) -> None:
    changes, kind, message = BAD[case]
    arguments: dict[str, Any] = {"model": model, "calibration_data": [IMAGES], "progress": False, **changes}
    with pytest.raises(kind, match=message):
        mk.quantize(**arguments)


def test_quantized_graph_is_refused(model: nn.Module) -> None:
    graph = mk.quantize(model, [IMAGES], progress=False)
    with pytest.raises(ValueError, match="model: given a graph that is quantized already"):
        mk.quantize(graph, [IMAGES], progress=False)


def test_model_is_left_as_it_was(model: nn.Module) -> None:
    model.train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    mk.quantize(model, [IMAGES], progress=False)
    assert all(module.training for module in model.modules())
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_channels_last_leaves_plain_weights(tmp_path: Path) -> None:
    """Saving warns about weights of other strides; the model itself keeps its memory format."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3)).eval()
    x = torch.randn(1, 3, 12, 12)
    plain = mk.quantize(network, [x], progress=False)
    network.to(memory_format=torch.channels_last)
    quantized = mk.quantize(network, [x], progress=False)
    assert not network[0].weight.is_contiguous()
    for name, value in quantized.state_dict().items():
        assert value.is_contiguous(), name
        # Biases are corrected by means of float convolutions, whose sums have an order in either format.
        torch.testing.assert_close(value, plain.state_dict()[name])
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        torch.export.save(torch.export.export(quantized, (x,)), tmp_path / "quantized.pt2")


def test_batch_is_dynamic_from_an_example_of_one(model: nn.Module) -> None:
    graph = mk.quantize(model, IMAGES.split(1), progress=False)
    for batch in (1, 2, 5):
        assert graph(IMAGES[:batch]).shape == (batch, 4)


def test_model_that_forbids_a_dynamic_batch_warns() -> None:
    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(12, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.linear(x.reshape(4, 12))  # type: ignore[no-any-return]

    data = [torch.randn(4, 3, 2, 2)]
    with pytest.warns(UserWarning, match="dynamic_batch: the model does not export with a dynamic batch"):
        graph = mk.quantize(Fixed(), data, progress=False)
    assert graph(data[0]).shape == (4, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        mk.quantize(Fixed(), data, progress=False, dynamic_batch=False)


def test_two_inputs() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1)

        def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return self.a(x) + self.b(y)  # type: ignore[no-any-return]

    calls = [(torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4)) for _ in range(3)]
    graph = mk.quantize(Two(), calls, progress=False)
    assert graph(*calls[0]).shape == (2, 4, 4, 4)


def test_progress_goes_to_stderr(model: nn.Module, capfd: pytest.CaptureFixture[str]) -> None:
    mk.quantize(model, [IMAGES], progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "Calibrating: 1/1 done" in err
    mk.quantize(model, [IMAGES], progress=False)
    assert capfd.readouterr() == ("", "")


def test_missing_torchao_names_the_extra() -> None:
    script = (
        "import sys; sys.modules['torchao'] = None\n"
        "import torch, mobilekernels\n"
        "mobilekernels.quantize(torch.nn.Linear(2, 2), [torch.ones(1, 2)])"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert run.returncode != 0
    assert "ImportError: mobilekernels.quantize needs torchao" in run.stderr
    assert "pip install mobilekernels[quantize]" in run.stderr
