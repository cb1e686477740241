"""A file of curves is right or refused, by its name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import mobilekernels as mk
from mobilekernels.errors import FormatError
from mobilekernels.sparsity.curve_file import (
    ENVIRONMENT,
    find_curves,
    package_curves,
    read_curves,
    user_file,
    write_curves,
)
from mobilekernels.sparsity.curves import KINDS, Curves
from tests.sparsity.samples import curves


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = write_curves(curves("avx2", "neon"), tmp_path / "folder" / "curves.json")
    assert read_curves(path).curves == curves("avx2", "neon").curves
    assert read_curves(path).origin == str(path)
    assert [p.name for p in path.parent.iterdir()] == ["curves.json"]


DAMAGES: dict[str, tuple[dict[str, Any], str]] = {
    "isa": ({"isa": ""}, "isa: given ''; accepted is text"),
    "block": ({"block": [2, 2]}, r"block: given \(2, 2\); accepted are \(4, 4\), \(1, 4\)"),
    "no block": ({"block": None}, "block: given None"),
    "source": (
        {"source": "guess"},
        "source: given 'guess'; accepted are 'measured', 'model', 'instructions'",
    ),
    "provenance": ({"provenance": None}, "provenance: given None"),
    "layer": ({"layer": 3}, "accepted is an object with a layer"),
    "kind": (
        {"layer": {"kind": "pool", "pixels": 1, "channels": 1, "out_channels": 1}},
        "kind: given 'pool'",
    ),
    "pixels": ({"layer": {"kind": "row", "pixels": 0, "channels": 1, "out_channels": 1}}, "pixels: given 0"),
    "lengths": ({"speedup": [1.0]}, "speedup: given 1 values; accepted are 4"),
    "falling": ({"occupancy": [0.5, 0.3, 0.6, 1.0]}, "occupancy: given .*; accepted are two or more, rising"),
    "not to 1": ({"occupancy": [0.1, 0.3, 0.6, 0.9]}, "rising from above 0 to 1"),
    "zero": ({"speedup": [0, 1.0, 1.0, 1.0]}, "speedup: .*accepted is a list of numbers above 0"),
    "nan": ({"speedup": [float("nan"), 1.0, 1.0, 1.0]}, "numbers above 0"),
    "infinite": ({"speedup": [float("inf"), 1.0, 1.0, 1.0]}, "numbers above 0"),
    "text": ({"speedup": ["1", 1.0, 1.0, 1.0]}, "numbers above 0"),
}


@pytest.mark.parametrize(("changes", "words"), DAMAGES.values(), ids=DAMAGES)
def test_damaged_curves_are_refused(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    path = write_curves(curves("avx2"), tmp_path / "curves.json")
    content = json.loads(path.read_text())
    content["curves"][2].update(changes)
    path.write_text(json.dumps(content))
    with pytest.raises(mk.FormatError, match=rf"curves\.json: curves\[2\]: .*{words}"):
        read_curves(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read as JSON"),
        ("{", "cannot be read as JSON"),
        ("[]", "format: given something else"),
        ('{"format": "mobilekernels break-even curves"}', "version: given None; accepted is 1"),
        ('{"format": "mobilekernels break-even curves", "version": 2}', "version: given 2; accepted is 1"),
        ('{"format": "mobilekernels break-even curves", "version": 1}', "curves: given NoneType"),
        (
            '{"format": "mobilekernels break-even curves", "version": 1, "curves": [1]}',
            r"curves\[0\]: given 1",
        ),
    ],
)
def test_damaged_files_are_refused_by_name(
    content: str | None, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mine.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(mk.FormatError, match=rf"curves: .*mine\.json: {words}"):
        find_curves(path)
    monkeypatch.setenv(ENVIRONMENT, str(path))
    with pytest.raises(mk.FormatError, match=rf"{ENVIRONMENT}: .*mine\.json: {words}"):
        find_curves()


def test_what_is_given_comes_before_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, theirs = (write_curves(curves(isa), tmp_path / f"{isa}.json") for isa in ("avx2", "neon"))
    assert find_curves().origin == "the package's curves"
    monkeypatch.setenv(ENVIRONMENT, str(theirs))
    assert find_curves().isas() == ("neon",)
    assert find_curves(str(mine)).isas() == ("avx2",)
    assert find_curves(curves("scalar")) == curves("scalar")
    with pytest.raises(TypeError, match="curves: given a int; accepted are Curves, or a file of them"):
        find_curves(3)  # type: ignore[arg-type]


def test_the_users_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert user_file() == tmp_path / "mobilekernels" / "curves.json"


def test_the_packages_curves_are_sound() -> None:
    """Their instruction sets exist, and their speed-ups fall with the blocks but for noise."""
    found = package_curves()
    assert set(found.isas()) <= set(mk.cpu_features())
    for curve in found.curves:
        for lower, upper in zip(curve.speedup, curve.speedup[1:], strict=False):
            assert upper < 1.1 * lower, curve


def test_curves_of_float32_are_a_list_of_their_own(tmp_path: Path) -> None:
    both = Curves(curves("avx2").curves, "x", curves("neon").curves)
    found = read_curves(write_curves(both, tmp_path / "curves.json"))
    assert (found.curves, found.float32) == (both.curves, both.float32)
    assert found.isas() == ("avx2",)
    assert found.of_float32().isas() == ("neon",)
    text = (tmp_path / "curves.json").read_text().replace('"float32": [', '"float32": [1,')
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(FormatError, match=r"float32\[0\]: given 1"):
        read_curves(tmp_path / "bad.json")


def test_no_package_curve_of_arm_is_called_measured() -> None:
    """Nothing was: they are counted instructions, and say on which emulated core."""
    arm = [curve for curve in package_curves().curves if curve.isa.startswith("neon")]
    assert {curve.isa for curve in arm} == {"neon", "neon_dotprod", "neon_i8mm"}
    assert {curve.source for curve in arm} == {"instructions"}
    assert all("emulated" in curve.provenance for curve in arm)


def test_no_package_curve_of_avx512_is_called_measured() -> None:
    """They are a model's cycles, and say of which core; every kind of layer has some."""
    found = [curve for curve in package_curves().curves if curve.isa == "avx512vnni"]
    assert {curve.layer.kind for curve in found} == set(KINDS)
    assert {curve.source for curve in found} == {"model"}
    assert all("model of znver4 and icelake-server" in curve.provenance for curve in found)
