"""One file with our kernels, XNNPACK's delegate and ExecuTorch's operators, each where the report says.

What is ours has eager's bytes on every core. XNNPACK's softmax and ExecuTorch's cumulative sum round floats
as they like: behind the quantize that follows, a value may be another code.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

import mobilekernels as mk
from mobilekernels.export.inspect import read
from mobilekernels.export.report import ExportReport
from tests.executorch.runner import CORES, report, run
from tests.export.networks import Partly, converted
from tests.same_bytes import assert_same_bytes

pytest.importorskip("executorch", reason="executorch is not installed")

SOFTMAX, SUMMED, OURS = range(3)  # the outputs, by what they went through


@dataclass(frozen=True)
class Exported:
    file: Path
    image: Path
    report: ExportReport
    expected: list[np.ndarray]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    torch.manual_seed(0)
    model, x = converted(Partly(), 2, 3, 16, 16)
    folder = tmp_path_factory.mktemp("beside")
    written = mk.export(model, x, folder / "partly.pte")
    (folder / "x.bin").write_bytes(x.numpy().tobytes())
    with torch.no_grad():
        expected = [output.numpy() for output in model(x)]
    return Exported(folder / "partly.pte", folder / "x.bin", written, expected)


def outputs_on(core: str | None, exported: Exported, folder: Path) -> list[np.ndarray]:
    files = [folder / f"{index}.bin" for index in range(len(exported.expected))]
    given = [word for file in files for word in ("--output", str(file))]
    done = run(core, exported.file, "--input", f"{exported.image}:2,3,16,16", *given)
    assert done.returncode == 0, done.stderr
    pairs = zip(files, exported.expected, strict=True)
    return [np.fromfile(file, np.float32).reshape(expected.shape) for file, expected in pairs]


@pytest.mark.parametrize("core", [None, *CORES], ids=["native", *CORES])
def test_outputs(exported: Exported, tmp_path: Path, core: str | None) -> None:
    outputs = outputs_on(core, exported, tmp_path)
    assert_same_bytes(outputs[OURS], exported.expected[OURS])
    for which in (SOFTMAX, SUMMED):
        got, expected = outputs[which], exported.expected[which]
        quantum = np.diff(np.unique(expected)).min()
        assert np.abs(got - expected).max() <= 1.01 * quantum
        assert (got == expected).mean() > 0.99


@pytest.mark.parametrize("core", [None, *CORES], ids=["native", *CORES])
def test_each_operator_runs_where_the_report_says(exported: Exported, core: str | None) -> None:
    counts = exported.report.contents.counts()
    assert "aten::_softmax" in counts["xnnpack"]
    assert "aten::cumsum" in counts["portable"]
    done = report(core, exported.file, "--profile")
    calls = {operator["name"]: operator["calls"] for operator in done["operators"]}
    assert calls["mobilekernels::segment.out"] == exported.report.contents.segments
    assert calls["native_call_cumsum.out"] == counts["portable"]["aten::cumsum"]
    assert calls["DELEGATE_CALL"] == read(exported.file).counts()["xnnpack"]["delegate"]
