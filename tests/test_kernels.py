"""The list of kernels, the choice among them and the cap on it, and what direct calls refuse."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from typing import Any

import numpy as np
import pytest
import torch

import mobilekernels as mk
from mobilekernels._lib import core
from mobilekernels.dispatch import KernelInfo
from tests.op_samples import CHANNELS, OUT_CHANNELS, int8, packed_conv2d, samples

FAMILIES = ("gemm", "depthwise", "elementwise", "pool", "spgemm", "spgemm_f32")
ISAS = ("scalar", "avx2", "avx512vnni", "neon", "neon_dotprod", "neon_i8mm")
RUNNABLE = [isa for isa in ISAS if any(k.isa == isa and k.built and k.runnable for k in mk.kernels())]


def by_family() -> dict[str, list[KernelInfo]]:
    found = defaultdict(list)
    for kernel in mk.kernels():
        found[kernel.family].append(kernel)
    return found


def chosen() -> dict[str, str]:
    return {kernel.family: kernel.isa for kernel in mk.kernels() if kernel.chosen}


def test_list_is_complete_and_consistent() -> None:
    families = by_family()
    assert tuple(families) == FAMILIES
    assert tuple(kernel.isa for kernel in families["gemm"]) == ISAS
    for kernels in families.values():
        assert kernels[0].isa == "scalar"
        assert kernels[0].built
        assert kernels[0].runnable
        assert sum(kernel.chosen for kernel in kernels) == 1
        assert next(k for k in kernels if k.chosen) == [k for k in kernels if k.built and k.runnable][-1]
        for kernel in kernels:
            assert kernel.runnable == mk.cpu_features()[kernel.isa]
            assert (kernel.reason == "") == kernel.chosen
            if not kernel.built:
                assert kernel.reason.startswith("not built: ")
            elif not kernel.runnable:
                assert kernel.reason.startswith("not runnable: ")


def test_every_instruction_set_not_built_says_why() -> None:
    built = {kernel.isa for kernel in mk.kernels() if kernel.built}
    assert set(core.not_built_reasons()) == set(ISAS) - built
    assert all(core.not_built_reasons().values())


@pytest.mark.parametrize("isa", RUNNABLE)
def test_cap_chooses_and_is_taken_away(isa: str) -> None:
    before = chosen()
    with mk.isa(isa):
        for family, name in chosen().items():
            assert ISAS.index(name) <= ISAS.index(isa)
            if any(kernel.isa == isa for kernel in by_family()[family]):
                assert name == isa
        better = [k for k in mk.kernels() if k.built and k.runnable and ISAS.index(k.isa) > ISAS.index(isa)]
        assert all(kernel.reason == f"capped: the best instruction set allowed is {isa}" for kernel in better)
        with mk.isa("scalar"):
            assert set(chosen().values()) == {"scalar"}
        assert chosen()["gemm"] == isa
    assert chosen() == before


def test_cap_is_taken_away_after_an_exception() -> None:
    before = chosen()
    with pytest.raises(KeyError), mk.isa("scalar"):
        raise KeyError("x")
    assert chosen() == before


def test_every_instruction_set_gives_the_same_bytes() -> None:
    arguments = samples()["conv2d"]
    results = []
    for isa in RUNNABLE:
        with mk.isa(isa):
            results.append(mk.ops.conv2d(**arguments))
    assert all(torch.equal(result, results[0]) for result in results)


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("sse9", ValueError, "scalar, avx2"),
        ("", ValueError, "given ''"),
        (3, TypeError, "int"),
        (None, TypeError, "str"),
    ],
)
def test_cap_refuses(name: Any, error: type[Exception], says: str) -> None:
    before = chosen()
    with pytest.raises(error, match=says), mk.isa(name):
        pass
    assert chosen() == before


@pytest.mark.parametrize("isa", [isa for isa in ISAS if isa not in RUNNABLE])
def test_cap_refuses_what_cannot_run_here(isa: str) -> None:
    with pytest.raises(NotImplementedError, match=isa), mk.isa(isa):
        pass


def run_with_environment(value: str) -> subprocess.CompletedProcess[str]:
    code = "import mobilekernels as mk; print(sorted({k.isa for k in mk.kernels() if k.chosen}))"
    environment = {**os.environ, "MOBILEKERNELS_ISA": value}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)


def test_cap_from_the_environment() -> None:
    assert run_with_environment("scalar").stdout == "['scalar']\n"
    assert run_with_environment("").stdout == f"{sorted(set(chosen().values()))}\n"


def test_unknown_name_in_the_environment_is_an_error() -> None:
    done = run_with_environment("sse9")
    assert done.returncode == 1
    assert "ValueError: environment: MOBILEKERNELS_ISA: given 'sse9'" in done.stderr


def int8_array(*shape: int) -> Any:
    return int8(*shape).numpy()


RANGE = (0, -128, 127)
PACKED = packed_conv2d().numpy()
K = CHANNELS * 9


def gemm(**changes: Any) -> float:
    good = {
        "isa": "scalar",
        "a": int8_array(4, K),
        "packed": PACKED,
        "range": RANGE,
        "out": np.zeros((4, OUT_CHANNELS), np.int8),
    }
    return core.gemm(**{**good, **changes})


def read_only(array: Any) -> Any:
    array.setflags(write=False)
    return array


BAD_CALLS = [
    ({"isa": "sse9"}, ValueError, "gemm: isa: given 'sse9', accepted scalar"),
    ({"a": int8_array(4, K - 1)}, ValueError, "gemm: a: given shape"),
    ({"a": int8_array(4, K).astype(np.float32)}, TypeError, "gemm: a: given float32, accepted int8"),
    ({"a": int8_array(4, 2 * K)[:, ::2]}, ValueError, "gemm: a: given a strided array"),
    ({"packed": PACKED[:100].copy()}, mk.FormatError, "size"),
    ({"range": (0, 5, 4)}, ValueError, "gemm: range: given 5 to 4"),
    ({"range": (200, -128, 127)}, ValueError, "gemm: range: given 200"),
    ({"out": np.zeros((5, OUT_CHANNELS), np.int8)}, ValueError, "gemm: out: given shape"),
    ({"out": np.zeros((4, OUT_CHANNELS + 1), np.int8)}, ValueError, "gemm: out: given shape"),
    ({"out": np.zeros((4, OUT_CHANNELS), np.int16)}, TypeError, "gemm: out: given int16"),
    ({"out": np.zeros((OUT_CHANNELS, 4), np.int8).T}, ValueError, "gemm: out: given strides"),
    ({"out": read_only(np.zeros((4, OUT_CHANNELS), np.int8))}, ValueError, "gemm: out: given a read-only"),
    ({"group": 1}, ValueError, "gemm: group: given 1"),
    ({"repeats": 0}, ValueError, "gemm: repeats: given 0"),
    ({"residual": (int8_array(4, 3), 1.0, 1.0, 0, RANGE)}, ValueError, "gemm: residual: given shape"),
]


@pytest.mark.parametrize(("changes", "error", "says"), BAD_CALLS)
def test_direct_calls_are_checked(changes: dict[str, Any], error: type[Exception], says: str) -> None:
    assert gemm() >= 0
    with pytest.raises(error) as caught:
        gemm(**changes)
    assert type(caught.value) is error
    assert says in str(caught.value)


def test_direct_call_is_the_convolution() -> None:
    """A convolution whose window is the whole image is one row of the GEMM."""
    x = int8(4, 3, 3, CHANNELS)
    out = np.zeros((4, OUT_CHANNELS), np.int8)
    gemm(a=x.reshape(4, K).numpy(), out=out, range=(5, -100, 120))
    expected = mk.ops.conv2d(
        x, packed_conv2d(), OUT_CHANNELS, (3, 3), (1, 1), (0, 0, 0, 0), (1, 1), 1, 3, 5, -100, 120
    )
    assert (out == expected.reshape(4, OUT_CHANNELS).numpy()).all()


def test_every_gemm_tells_its_tile() -> None:
    for isa in RUNNABLE:
        rows, channels, element_bytes, _ = core.gemm_tile(isa)
        assert rows >= 1
        assert channels % 16 == 0
        assert element_bytes in (1, 2, 4)
