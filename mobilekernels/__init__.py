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
    from mobilekernels import packing
    from mobilekernels.compare import compare
    from mobilekernels.convert import convert
    from mobilekernels.converted import ConvertedModel
    from mobilekernels.dispatch import KernelInfo, cpu_features, isa, kernels
    from mobilekernels.quantization.quantize import quantize
    from mobilekernels.report import Report
    from mobilekernels.segments.profile import profile

# Name -> where it lives: "module" or "module:attribute".
_LAZY = {
    "ConvertedModel": "mobilekernels.converted:ConvertedModel",
    "KernelInfo": "mobilekernels.dispatch:KernelInfo",
    "Report": "mobilekernels.report:Report",
    "compare": "mobilekernels.compare:compare",
    "convert": "mobilekernels.convert:convert",
    "cpu_features": "mobilekernels.dispatch:cpu_features",
    "isa": "mobilekernels.dispatch:isa",
    "kernels": "mobilekernels.dispatch:kernels",
    "packing": "mobilekernels.packing",
    "profile": "mobilekernels.segments.profile:profile",
    "quantize": "mobilekernels.quantization.quantize:quantize",
}

__all__ = [
    "ConvertedModel",
    "FormatError",
    "KernelInfo",
    "Report",
    "__version__",
    "compare",
    "convert",
    "cpu_features",
    "isa",
    "kernels",
    "ops",
    "packing",
    "profile",
    "quantize",
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
