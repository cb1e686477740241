"""llvm-mca on loops whose figures the cores' manuals give."""

from __future__ import annotations

import shutil

import pytest

from bench.arm import mca

needs_mca = pytest.mark.skipif(
    shutil.which(mca.MCA) is None, reason=f"{mca.MCA} is missing: apt-get install llvm-22"
)


@needs_mca
@pytest.mark.parametrize(("core", "pipes"), [("neoverse-n1", 2), ("cortex-x1", 4)])
def test_peak_of_the_dot_product(core: str, pipes: int) -> None:
    assert mca.peak_macs_per_cycle("sdot", core) == pytest.approx(16 * pipes, rel=0.01)


@needs_mca
def test_a_chain_of_dependent_instructions_shows_its_latency() -> None:
    alone = mca.cycles_per_iteration("sdot v0.4s, v1.16b, v2.16b\n", "neoverse-n1")
    with_move = mca.cycles_per_iteration("sdot v0.4s, v1.16b, v2.16b\nmov v0.16b, v0.16b\n", "neoverse-n1")
    assert alone >= 1
    assert with_move > alone


@needs_mca
def test_code_that_it_cannot_read_is_told() -> None:
    with pytest.raises(RuntimeError, match="nonsense"):
        mca.cycles_per_iteration("nonsense v0\n", "neoverse-n1")


@needs_mca
def test_instructions_that_a_core_lacks_are_refused() -> None:
    with pytest.raises(RuntimeError, match="i8mm"):
        mca.cycles_per_iteration("smmla v0.4s, v1.16b, v2.16b\n", "neoverse-n1")


def row(core: str, kernel: str, macs: int, cycles: float | None) -> mca.Row:
    return mca.Row(kernel, "sdot", core, 20, macs, cycles, 32.0)


def test_goals_look_at_the_largest_tile() -> None:
    rows = [
        row("neoverse-n1", "gemm neon_dotprod run<1, 1>", 256, 100.0),
        row("neoverse-n1", "gemm neon_dotprod run<4, 1>", 1024, 33.0),
        row("cortex-x1", "gemm neon_dotprod run<4, 1>", 1024, 64.0),
        row("cortex-a55", "gemm neon_dotprod run<4, 1>", 1024, 999.0),
    ]
    assert [met for _, met in mca.goals(rows)] == [True, False]


def test_a_core_without_the_instructions_is_marked() -> None:
    cells = mca.table([row(core, "gemm neon_dotprod run<1, 1>", 256, None) for core in mca.CORES])[1]
    assert cells[4:] == ["no dotprod"] * len(mca.CORES)


def test_without_objects_it_says_how_to_make_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mca, "OBJECTS", "no/such/*.o")
    assert mca.main([]) == 2
    assert "run `make arm`" in capsys.readouterr().err
