"""int8 kernels for mobile networks in PyTorch.

    qmodel = mobilekernels.quantize(model, calibration_loader)
    fast, report = mobilekernels.convert(qmodel, example_inputs)

Importing the package loads torch and the operators (`torch.ops.mobilekernels.*`), nothing else: what needs
torch.export, torchao, ExecuTorch or a plotting library is imported when it is first used.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mobilekernels import ops
from mobilekernels._version import __version__
from mobilekernels.errors import FormatError

if TYPE_CHECKING:
    from mobilekernels import executorch, packing
    from mobilekernels.compare import compare
    from mobilekernels.convert import convert
    from mobilekernels.converted import ConvertedModel
    from mobilekernels.dispatch import KernelInfo, cpu_features, isa, kernels
    from mobilekernels.distillation.distill import Distillation, distill
    from mobilekernels.export.export import export
    from mobilekernels.export.report import ExportReport
    from mobilekernels.pruning.fold import fold_masks
    from mobilekernels.pruning.prune import prune
    from mobilekernels.pruning.pruner import Pruner
    from mobilekernels.pruning.report import SparsityReport, sparsity_report
    from mobilekernels.pruning.schedule import CubicSchedule
    from mobilekernels.pruning.sensitivity import Sensitivity, sensitivity
    from mobilekernels.quantization.quantize import quantize
    from mobilekernels.report import Report
    from mobilekernels.segments.profile import profile

# Name -> where it lives: "module" or "module:attribute".
_LAZY = {
    "ConvertedModel": "mobilekernels.converted:ConvertedModel",
    "CubicSchedule": "mobilekernels.pruning.schedule:CubicSchedule",
    "Distillation": "mobilekernels.distillation.distill:Distillation",
    "ExportReport": "mobilekernels.export.report:ExportReport",
    "KernelInfo": "mobilekernels.dispatch:KernelInfo",
    "Pruner": "mobilekernels.pruning.pruner:Pruner",
    "Report": "mobilekernels.report:Report",
    "Sensitivity": "mobilekernels.pruning.sensitivity:Sensitivity",
    "SparsityReport": "mobilekernels.pruning.report:SparsityReport",
    "compare": "mobilekernels.compare:compare",
    "convert": "mobilekernels.convert:convert",
    "cpu_features": "mobilekernels.dispatch:cpu_features",
    "distill": "mobilekernels.distillation.distill:distill",
    "executorch": "mobilekernels.executorch",
    "export": "mobilekernels.export.export:export",
    "fold_masks": "mobilekernels.pruning.fold:fold_masks",
    "isa": "mobilekernels.dispatch:isa",
    "kernels": "mobilekernels.dispatch:kernels",
    "packing": "mobilekernels.packing",
    "profile": "mobilekernels.segments.profile:profile",
    "prune": "mobilekernels.pruning.prune:prune",
    "quantize": "mobilekernels.quantization.quantize:quantize",
    "sensitivity": "mobilekernels.pruning.sensitivity:sensitivity",
    "sparsity_report": "mobilekernels.pruning.report:sparsity_report",
}

__all__ = [
    "ConvertedModel",
    "CubicSchedule",
    "Distillation",
    "ExportReport",
    "FormatError",
    "KernelInfo",
    "Pruner",
    "Report",
    "Sensitivity",
    "SparsityReport",
    "__version__",
    "compare",
    "convert",
    "cpu_features",
    "distill",
    "executorch",
    "export",
    "fold_masks",
    "isa",
    "kernels",
    "ops",
    "packing",
    "profile",
    "prune",
    "quantize",
    "sensitivity",
    "sparsity_report",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'mobilekernels' has no attribute {name!r}")
    module, _, attribute = _LAZY[name].partition(":")
    value: Any = importlib.import_module(module)
    if attribute:
        value = getattr(value, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})


class _Package(ModuleType):
    """Importing the module `mobilekernels.convert` must not put it over the function of the same name."""

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, ModuleType) and ":" in _LAZY.get(name, ""):
            return
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
