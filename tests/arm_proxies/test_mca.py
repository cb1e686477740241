"""llvm-mca on loops whose figures the cores' manuals give."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bench.arm.mca import ARM, main
from bench.proxies import mca

CORES = {core.name: core for core in ARM.cores}
needs_mca = pytest.mark.skipif(
    shutil.which(mca.MCA) is None, reason=f"{mca.MCA} is missing: apt-get install llvm-22"
)


@needs_mca
@pytest.mark.parametrize(("core", "pipes"), [("neoverse-n1", 2), ("cortex-x1", 4)])
def test_peak_of_the_dot_product(core: str, pipes: int) -> None:
    peak = mca.peak_macs_per_cycle(ARM.peaks["sdot"], ARM.triple, CORES[core])
    assert peak == pytest.approx(16 * pipes, rel=0.01)


def cycles(*bodies: str) -> list[float]:
    return mca.cycles_of(bodies, ARM.triple, CORES["neoverse-n1"])


@needs_mca
def test_a_chain_of_dependent_instructions_shows_its_latency() -> None:
    dot = "sdot v0.4s, v1.16b, v2.16b\n"
    alone, with_move = cycles(dot, f"{dot}mov v0.16b, v0.16b\n")
    assert alone >= 1
    assert with_move > alone


@needs_mca
def test_code_that_it_cannot_read_is_told() -> None:
    with pytest.raises(RuntimeError, match="nonsense"):
        cycles("nonsense v0\n")


@needs_mca
def test_instructions_that_a_core_lacks_are_refused() -> None:
    with pytest.raises(RuntimeError, match="i8mm"):
        cycles("smmla v0.4s, v1.16b, v2.16b\n")


def row(core: str, kernel: str, macs: int, cycles: float | None) -> mca.Row:
    return mca.Row(kernel, "sdot", core, 20, macs, cycles, 32.0)


def test_goals_look_at_the_largest_tile() -> None:
    rows = [
        row("neoverse-n1", "gemm neon_dotprod run<1, 1>", 256, 100.0),
        row("neoverse-n1", "gemm neon_dotprod run<4, 1>", 1024, 33.0),
        row("cortex-x1", "gemm neon_dotprod run<4, 1>", 1024, 64.0),
        row("cortex-a55", "gemm neon_dotprod run<4, 1>", 1024, 999.0),
    ]
    assert [met for _, met in mca.goals(rows, ARM)] == [True, False]


def test_a_core_without_the_instructions_is_marked() -> None:
    cells = mca.table([row(core, "gemm neon_dotprod run<1, 1>", 256, None) for core in CORES], ARM)[1]
    assert cells[4:] == ["no dotprod"] * len(CORES)


def test_without_objects_it_says_how_to_make_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(mca, "ROOT", tmp_path)
    assert main([]) == 2
    assert "run `make arm`" in capsys.readouterr().err
