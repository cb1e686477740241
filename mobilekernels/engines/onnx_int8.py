"""A float model as an int8 ONNX file, by ONNX Runtime's own static quantization."""

from __future__ import annotations

import importlib.util
import io
import logging
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt
import torch

from mobilekernels.engines.base import EngineAbsent, Inputs, Subject

Arrays = dict[str, npt.NDArray[Any]]
_EXPORTERS = ("onnxruntime", "onnx", "onnxscript")
_OPSET = 17


@dataclass(frozen=True)
class Recipe:
    """How a runtime wants its file. Chosen by trying all on seven networks: see docs/benchmarks.md.

    Attributes:
        optimize: whether ONNX Runtime optimizes the float graph first. That folds batch norms left over, and
            takes HardSwish apart into HardSigmoid and Mul.
        inputs_only: quantize the inputs of convolutions and matrix products and no more, so that a runtime
            that fuses what stands behind them finds it in float; otherwise all that has an int8 form.
    """

    optimize: bool
    inputs_only: bool


def quantized_onnx(subject: Subject, recipe: Recipe, runtimes: Sequence[str] = ()) -> bytes:
    """Export the float model for the example's shapes and quantize it on the calibration data.

    QDQ format, activations uint8 per tensor, weights int8 per channel in the full range (CPUs without VNNI
    would want ``reduce_range``), minimum and maximum as ranges: what ONNX Runtime's guide says.

    Args:
        runtimes: further packages that will run the file.

    Returns:
        The serialized ONNX model: float inputs, float outputs.

    Raises:
        EngineAbsent: a package is missing, there is no calibration data, or a step failed.
    """
    missing = [name for name in dict.fromkeys((*runtimes, *_EXPORTERS)) if not importlib.util.find_spec(name)]
    if missing:
        raise EngineAbsent(
            f"not installed: {', '.join(missing)} (pip install {' '.join(missing)}, or mobilekernels[bench])"
        )
    if not subject.calibration:
        raise EngineAbsent("no calibration data was given")
    try:
        with tempfile.TemporaryDirectory(prefix="mobilekernels-onnx-") as folder, _silence():
            return _quantize(subject, recipe, Path(folder))
    except Exception as error:  # the exporter and the quantizer raise a dozen types
        reason = str(error).strip().splitlines() or [""]
        raise EngineAbsent(f"quantizing by ONNX failed: {type(error).__name__}: {reason[0][:160]}") from error


def arrays(inputs: Inputs) -> list[npt.NDArray[Any]]:
    """One call's inputs as NumPy arrays on the tensors' own memory, in C order."""
    return [tensor.detach().contiguous().numpy() for tensor in inputs]


def _quantize(subject: Subject, recipe: Recipe, folder: Path) -> bytes:
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    exported, prepared, quantized = (folder / f"{name}.onnx" for name in ("float", "prepared", "int8"))
    _export(subject, exported)
    quant_pre_process(str(exported), str(prepared), skip_optimization=not recipe.optimize)
    names = [value.name for value in onnx.load(prepared).graph.input]
    weighted = ["Conv", "Gemm", "MatMul"]
    quantize_static(
        str(prepared),
        str(quantized),
        _Calibration(dict(zip(names, arrays(call), strict=True)) for call in subject.calibration),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        reduce_range=False,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        op_types_to_quantize=weighted if recipe.inputs_only else None,
        extra_options={"OpTypesToExcludeOutputQuantization": weighted} if recipe.inputs_only else None,
    )
    return quantized.read_bytes()


def _export(subject: Subject, path: Path) -> None:
    """By TorchScript, which keeps HardSwish and GlobalAveragePool one operator each, as runtimes want them.

    Where a trace would not be the model (TorchScript warns), by torch.export, which has them in pieces.
    """
    from torch.jit._trace import TracerWarning  # torch.jit has it, and does not export it to type checkers

    model, inputs = subject.float_model, subject.example_inputs
    with torch.no_grad():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", TracerWarning)
                torch.onnx.export(model, inputs, path, dynamo=False, opset_version=_OPSET)
        except Exception:  # of a dozen types
            torch.onnx.export(model, inputs, path, dynamo=True, verbose=False)


class _Calibration:
    """Calls in the form that the calibrator pulls them: None behind the last (a CalibrationDataReader)."""

    def __init__(self, calls: Iterable[Arrays]) -> None:
        self._calls = iter(calls)

    def get_next(self) -> Arrays | None:
        return next(self._calls, None)


@contextmanager
def _silence() -> Iterator[None]:
    """Without the exporter's and the quantizer's hints and warnings; errors are exceptions."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
