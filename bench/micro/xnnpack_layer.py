"""One layer as an ExecuTorch program of one XNNPACK delegate, int8 in and out."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from torch import Tensor, nn

from bench.micro.case import OUT_SCALE, OUT_ZERO_POINT, X_SCALE, X_ZERO_POINT, Case, Weights, read_cases
from bench.micro.engines import Instance
from mobilekernels.engines.base import EngineAbsent

# Case -> the program. Filled by `lower`, all at once: a process that lowers takes ten seconds to start. One
# for all instances of a case: XNNPACK packs the weights into memory of its own whenever a program is loaded.
_PROGRAMS: dict[str, bytes] = {}
SEED = 2


class _Layer(nn.Module):
    def __init__(self, case: Case, weights: Weights) -> None:
        super().__init__()
        codes = weights.codes.flatten(1) if case.is_linear else weights.codes
        self.case = case
        self.register_buffer("codes", codes)
        self.register_buffer("scale", weights.scale)
        self.register_buffer("zeros", torch.zeros(case.out_channels, dtype=torch.int64))
        self.register_buffer("bias", weights.bias)

    def forward(self, x: Tensor) -> Tensor:
        case, q = self.case, torch.ops.quantized_decomposed
        x = q.dequantize_per_tensor(x, X_SCALE, X_ZERO_POINT, -128, 127, torch.int8)
        w = q.dequantize_per_channel(self.codes, self.scale, self.zeros, 0, -127, 127, torch.int8)
        if case.is_linear:
            y = nn.functional.linear(x, w, self.bias)
        else:
            y = nn.functional.conv2d(x, w, self.bias, case.stride, case.padding, 1, case.groups)
        y = q.quantize_per_tensor(y, OUT_SCALE, OUT_ZERO_POINT, -128, 127, torch.int8)
        assert isinstance(y, Tensor)
        return y


def lower(layers: str) -> None:
    """Make the programs of every case of a list, in a process of its own.

    Raises:
        EngineAbsent: it failed.
    """
    with tempfile.TemporaryDirectory(prefix="mobilekernels-micro-") as name:
        folder = Path(name)
        (folder / "layers.txt").write_text(layers, encoding="utf-8")
        command = [sys.executable, "-m", "bench.micro.xnnpack_layer", name]
        root = Path(__file__).parents[2]
        run = subprocess.run(
            command, cwd=root, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
        )
        if run.returncode != 0:
            reason = run.stderr.strip().splitlines() or ["no reason given"]
            raise EngineAbsent(f"lowering to XNNPACK failed: {reason[-1][:160]}")
        for path in folder.glob("*.pte"):
            _PROGRAMS[path.stem] = path.read_bytes()


def instance(case: Case) -> Instance:
    """A loaded program, with the weights of ``SEED``."""
    from executorch.runtime import Runtime, Verification

    from mobilekernels.engines.executorch_runtime import set_threads, silence

    if case.name not in _PROGRAMS:
        raise EngineAbsent("its program was not lowered")
    set_threads(torch.get_num_threads())
    with silence():
        program = Runtime.get().load_program(_PROGRAMS[case.name], verification=Verification.Minimal)
        method = program.load_method("forward")
    if method is None:
        raise EngineAbsent("the program has no method named forward")
    inputs = [_input(case)]

    def codes(result: object) -> Tensor:
        assert isinstance(result, (list, tuple))
        y = result[0]
        return (y if case.is_linear else y.permute(0, 2, 3, 1)).reshape(1, *case.out_image, case.out_channels)

    # What `Method.execute` calls, without its copy of the result.
    execute = method._method
    return Instance(lambda keep=program: execute(inputs, False), codes)  # type: ignore[misc]


def _input(case: Case) -> Tensor:
    if case.is_linear:
        return case.x.reshape(case.image[0], case.channels)
    return case.x.permute(0, 3, 1, 2)


def _main(name: str) -> None:
    import torch.ao.quantization.fx._decomposed

    from mobilekernels.export.pte import lower as delegate

    folder = Path(name)
    for case in read_cases((folder / "layers.txt").read_text(encoding="utf-8")):
        with torch.no_grad():
            exported = torch.export.export(_Layer(case, case.weights(SEED)), (_input(case),))
            program, ops = delegate(exported)
        outside = [op.op for op in ops if op.place != "xnnpack" and op.op.startswith("aten::")]
        if outside:
            raise RuntimeError(f"{case.name}: XNNPACK left {', '.join(outside)}")
        (folder / f"{case.name}.pte").write_bytes(program)


if __name__ == "__main__":
    _main(*sys.argv[1:])
