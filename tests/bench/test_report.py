"""Runs kept in files, and the report that sets them side by side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mobilekernels.bench import report
from mobilekernels.bench.run import Run, load_all, save


def run(**measured: Any) -> Run:
    device = {
        "architecture": "aarch64",
        "model": "Board <3>",
        "features": ["asimd"],
        "cores": [
            *({"cpu": n, "implementer": "0x41", "part": "0xd05", "governor": "schedutil"} for n in range(2)),
            {"cpu": 2, "implementer": "0x41", "part": "0xfff", "governor": "performance"},
        ],
    }
    layers = [
        {
            "name": "a",
            "op": "conv2d",
            "isa": "neon_dotprod",
            "macs": 3000,
            "checksum": "11",
            "median_ns": 1500.0,
        },
        {"name": "b", "op": "lut", "isa": "neon", "macs": 0, "checksum": "22", "median_ns": 500.0},
        {"name": "c", "op": "slice_channels", "isa": "none", "macs": 0, "checksum": "33", "median_ns": 500.0},
    ]
    base = {
        "device": device,
        "threads": 1,
        "isa_cap": "",
        "pin": "none",
        "pinned_cpus": [],
        "layers": layers,
        "total_ns": 2500.0,
        "round_ns": [2500] * 8,
    }
    return Run(
        "2026-11-24T10:00:00Z",
        "net",
        "ssh:board",
        "",
        False,
        "0.1.0",
        ("11", "22", "33"),
        {**base, **measured},
    )


def emulated() -> Run:
    layers = [{k: v for k, v in layer.items() if k != "median_ns"} for layer in run().measured["layers"]]
    measured = {k: v for k, v in run(layers=layers).measured.items() if not k.endswith("_ns")}
    return replace(
        run(), device="qemu:cortex-a53", label="cortex-a53, emulated", emulated=True, measured=measured
    )


def test_what_a_run_tells() -> None:
    found = run(threads=2, pin="big", pinned_cpus=[2, 3], isa_cap="neon", cold_weights=True)
    assert found.processor == "Board <3>, 2x Cortex-A55, 1x core 0x41/0xfff"
    assert found.kernels == "neon_dotprod 1, neon 1"
    assert found.settings == "2 threads, pinned to big (CPU 2,3), at most neon, cold weights"
    assert found.total_ms == 0.0025
    assert [layer.gmacs for layer in found.layers] == [2.0, None, None]
    assert found.notes() == ["governor performance, schedutil"]


@pytest.mark.parametrize(
    ("rounds", "noted"),
    [([100] * 6 + [111, 112], True), ([100] * 6 + [109, 109], False), ([100] * 3 + [200] * 4, False)],
)
def test_throttling_is_noted_above_ten_percent(rounds: list[int], noted: bool) -> None:
    notes = [note for note in run(round_ns=rounds).notes() if "throttled" in note]
    assert bool(notes) == noted


def test_warming_is_noted() -> None:
    before = [{"zone": "cpu", "celsius": 40.0}, {"zone": "gpu", "celsius": 39.0}]
    after = [
        {"zone": "cpu", "celsius": 52.5},
        {"zone": "gpu", "celsius": 40.0},
        {"zone": "new", "celsius": 90.0},
    ]
    assert "cpu +12.5 to 52.5 °C" in run(thermal_before=before, thermal_after=after).notes()


def test_an_emulated_run_has_no_times() -> None:
    runs, layers = report.tables([emulated()])
    assert runs.rows[0][4:6] == ("-", "-")
    assert runs.rows[0][-1] == "emulated: bytes checked, time not reported"
    assert [row[-1] for row in layers.rows] == ["same bytes"] * 3
    assert "Board" not in runs.rows[0][1]  # that is the machine it was emulated on


def test_other_bytes_show() -> None:
    runs, layers = report.tables([replace(run(), reference=("11", "99", "33"))])
    assert runs.rows[0][6] == "2 of 3"
    assert layers.rows[1][-1] == "OTHER BYTES"


def test_runs_stand_side_by_side_where_the_list_is_the_same() -> None:
    other = replace(run(), source="net2")
    found = report.tables([run(), other, emulated()])
    assert [table.title.partition(":")[0] for table in found] == ["net", "net", "net2", "net2"]
    assert found[1].header == ("layer", "op", "MMAC", "#1 ssh:board", "#2 qemu:cortex-a53")
    assert found[1].rows[0] == ("a", "conv2d", "0.00", "1.5 (2.0)", "same bytes")
    # The same name, but a list that was changed since.
    changed = replace(run(), reference=("11", "22", "44"))
    assert len(report.tables([run(), changed])) == 4


def test_page() -> None:
    page = report.page([run(), emulated()])
    assert page.startswith("<!doctype html>")
    assert "Board &lt;3&gt;" in page
    assert "emulated: bytes checked, time not reported" in page


def test_runs_are_kept_in_files(tmp_path: Path) -> None:
    later = replace(run(), date="2026-11-25T10:00:00Z", source="torchvision:net", device="ssh:a@[::1]:22")
    paths = [save(later, tmp_path / "runs"), save(run(), tmp_path / "runs")]
    assert len(set(paths)) == 2
    (tmp_path / "runs" / "other.json").write_text("[1]")
    assert load_all(tmp_path / "runs") == [run(), later]
