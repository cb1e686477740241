"""Attribution of counted instructions, the tables and the gate."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.arm import count, gate, ours, stock
from bench.arm.memory_map import MemoryMap
from bench.arm.plugin import CountError
from bench.arm.result import Result, geometric_mean
from bench.proxies.sparse import GATED, layers
from mobilekernels.bench import tables
from mobilekernels.bench.layers import parse

COMPILER = "g++ 12"


def result(layer: str, instructions: int, engine: str = "ours", cpu: str = "neoverse-n1") -> Result:
    return Result(layer, cpu, engine, "kernel", 1000, {"GEMM": instructions})


@pytest.mark.parametrize(
    ("function", "part"),
    [
        ("void mobilekernels::gemm_loops::run<mobilekernels::neon::Tile>(GemmArgs const&)", "GEMM"),
        ("void mobilekernels::neon::(anonymous namespace)::Tile<true>::run<6, 1>(GemmArgs const&)", "GEMM"),
        ("mobilekernels::neon_i8mm::(anonymous namespace)::run(mobilekernels::GemmArgs const&)", "GEMM"),
        ("mobilekernels::neon::(anonymous namespace)::run(mobilekernels::DepthwiseArgs const&)", "depthwise"),
        ("mobilekernels::gemm_loops::pack_int8(void*, signed char const*, unsigned long)", "packing of rows"),
        ("mobilekernels::pack_rows(mobilekernels::RowSource const&, long)", "packing of rows"),
        ("__memcpy_generic", "packing of rows"),
        ("void mobilekernels::spgemm_neon::pack_pixels<false>(signed char*)", "packing of rows"),
        ("mobilekernels::PanelWriter::write_taps(long, long, long) const", "packing of rows"),
        ("void mobilekernels::spgemm_neon::add_tile<mobilekernels::neon::Sums, 4, 2>()", "sparse GEMM"),
        ("mobilekernels::check_shape(char const*)", "rest"),
        ("-", "rest"),
    ],
)  # fmt: skip
def test_parts_of_an_operator(function: str, part: str) -> None:
    assert ours.part(function) == part


def test_addresses_are_found_in_their_mappings() -> None:
    maps = MemoryMap(
        "2000-3000 r-xp 00001000 00:00 7 /lib/b.so\n"
        "1000-2000 r--p 00000000 00:00 7 /lib/b.so\n"
        "5000-6000 r-xp 00000000 00:00 0\n"
    )
    found = maps.find(0x2010)
    assert found is not None
    assert (found.path, 0x2010 - found.begin + found.offset) == ("/lib/b.so", 0x1010)
    assert maps.find(0x3000) is None
    anonymous = maps.find(0x5FFF)
    assert anonymous is not None
    assert anonymous.path == "[anonymous]"


@pytest.mark.parametrize(
    "name",
    ["python3.11", "libtorch_python.so", "libffi.so.8", "lse_trap.so", "libc.so.6", "ld-linux-aarch64.so.1"],
)
def test_the_interpreter_is_left_out(name: str) -> None:
    assert stock.LEFT_OUT.search(name)


@pytest.mark.parametrize("name", ["libtorch_cpu.so", "libc10.so", "libgomp.so.1", "libstdc++.so.6"])
def test_native_code_is_counted(name: str) -> None:
    assert not stock.LEFT_OUT.search(name)


def test_the_yardstick_is_made_of_what_stock_engines_can_run() -> None:
    for layer in parse(count.LAYERS.read_text()):
        sizes = stock._sizes(layer)
        assert sizes["in"] > 0
        if layer.op == "conv2d":
            assert [len(sizes[key]) for key in ("kernel", "stride", "pad", "image")] == [2, 2, 2, 2]


def test_a_stock_call_is_relieved_of_what_any_call_costs() -> None:
    assert (
        Result("a", "cpu", "QNNPACK int8", "k", 100, {"libc": 30, "libtorch_cpu": 1000}, call=230).per_mac
        == 8
    )


def test_ratios_and_goals() -> None:
    results = [
        result("a", 100),
        result("b", 50),
        result("a", 200, "QNNPACK int8"),
        result("b", 400, "QNNPACK int8"),
    ]
    assert count.ratios(results, "neoverse-n1", "QNNPACK int8") == {"a": 2.0, "b": 8.0}
    assert geometric_mean([2.0, 8.0]) == pytest.approx(4.0)
    line = count.goal_line(results, count.Goal("neoverse-n1", "QNNPACK int8", 3.0))
    assert "4.00 in the geometric mean, met" in line
    assert "median 5.00" in line
    assert "1 of 2 layers" in line


def test_gate_fails_on_more_instructions() -> None:
    expected = gate.Expected(COMPILER, {"neoverse-n1": {"a": 1000}})
    lines, passed = gate.check([result("a", 1021)], expected, COMPILER)
    assert not passed
    assert "WORSE neoverse-n1, a: 1021 instructions, expected 1000: +2.1 %" in lines
    assert gate.check([result("a", 1020)], expected, COMPILER)[1]


def test_gate_tells_of_fewer_instructions() -> None:
    lines, passed = gate.check(
        [result("a", 970)], gate.Expected(COMPILER, {"neoverse-n1": {"a": 1000}}), COMPILER
    )
    assert passed
    assert any("--update" in line for line in lines)


def test_gate_fails_on_a_layer_that_is_not_recorded() -> None:
    lines, passed = gate.check(
        [result("new", 970)], gate.Expected(COMPILER, {"neoverse-n1": {"a": 1000}}), COMPILER
    )
    assert not passed
    assert "none recorded" in lines[0]


def test_gate_is_off_for_another_compiler_and_says_so() -> None:
    lines, passed = gate.check([result("a", 9999)], gate.Expected(COMPILER, {}), "g++ 13")
    assert passed
    assert lines == ["GATE OFF: counts were recorded with g++ 12, this build is of g++ 13"]


def test_counts_are_recorded_and_read_back(tmp_path: Path) -> None:
    file = tmp_path / "expected.json"
    with pytest.raises(CountError, match="--update"):
        gate.read(file)
    gate.write([result("a", 7)], COMPILER, file)
    assert gate.read(file) == gate.Expected(COMPILER, {"neoverse-n1": {"a": 7}})


def test_recorded_counts_cover_the_yardstick_and_block_sparse_layers() -> None:
    gated = [*parse(count.LAYERS.read_text()), *layers(GATED)]
    assert {layer.values.get("zeros") for layer in gated} == {None, GATED}
    names = {layer.name for layer in gated}
    assert {cpu: set(counts) for cpu, counts in gate.read().counts.items()} == dict.fromkeys(
        count.CPUS, names
    )


def test_tables_go_between_their_marks(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text("head\n<!-- counts -->\nold\n<!-- end counts -->\ntail\n")
    tables.write(file, "counts", "new\n")
    assert file.read_text() == "head\n<!-- counts -->\nnew\n<!-- end counts -->\ntail\n"
    tables.write(file, "mca", "all\n")
    assert file.read_text() == "all\n"


def test_tables() -> None:
    rows = [["name", "n"], ["a", "1 | 2"]]
    assert tables.text(rows) == "name      n\na     1 | 2\n"
    assert tables.markdown(rows) == "| name | n |\n|---|--:|\n| a | 1, 2 |\n"
