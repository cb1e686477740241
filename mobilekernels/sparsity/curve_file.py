"""Curves as a JSON file: the package's own, and those that `tune` writes."""

from __future__ import annotations

import itertools
import json
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from mobilekernels.errors import FormatError
from mobilekernels.sparsity.curves import KINDS, SOURCES, Curve, Curves, LayerShape
from mobilekernels.sparsity.zeros import SPARSE_BLOCKS

FORMAT, VERSION = "mobilekernels break-even curves", 1
# Names a file of curves for every `convert` of a process.
ENVIRONMENT = "MOBILEKERNELS_CURVES"
PACKAGE_FILE = Path(__file__).with_name("curves.json")


def user_file() -> Path:
    """Where `tune` writes unless told otherwise. Nothing reads it without being told to."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "mobilekernels" / "curves.json"


def find_curves(curves: Curves | str | os.PathLike[str] | None = None) -> Curves:
    """The curves to use: those given, else the file that ``MOBILEKERNELS_CURVES`` names, else the package's.

    Raises:
        TypeError: `curves` is neither curves nor a path.
        FormatError: the file cannot be read or is damaged; the message names it and what is wrong.
    """
    if isinstance(curves, Curves):
        return curves
    if curves is None:
        named = os.environ.get(ENVIRONMENT)
        return read_curves(named, f"{ENVIRONMENT}: ") if named else package_curves()
    if not isinstance(curves, (str, os.PathLike)):
        raise TypeError(f"curves: given a {type(curves).__name__}; accepted are Curves, or a file of them")
    return read_curves(curves, "curves: ")


def package_curves() -> Curves:
    """The curves that the package brings."""
    return replace(read_curves(PACKAGE_FILE), origin="the package's curves")


def read_curves(path: str | os.PathLike[str], prefix: str = "") -> Curves:
    """A file of curves that has been checked.

    Raises:
        FormatError: it cannot be read or is damaged; the message begins with `prefix`, names it and what is
            wrong.
    """
    where = f"{prefix}{os.fspath(path)}"
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FormatError(f"{where}: cannot be read as JSON: {error}") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise FormatError(f"{where}: format: given something else; accepted is {FORMAT!r}")
    if found.get("version") != VERSION:
        raise FormatError(f"{where}: version: given {found.get('version')!r}; accepted is {VERSION}")
    # Older files have none of float32.
    curves, float32 = (_rows(found, name, where) for name in ("curves", "float32"))
    return Curves(curves, os.fspath(path), float32)


def write_curves(curves: Curves, path: str | os.PathLike[str]) -> Path:
    """Writes a file that `read_curves` takes; folders on the way are made."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    lists = {"curves": curves.curves, **({"float32": curves.float32} if curves.float32 else {})}
    head = f'{{\n"format": {json.dumps(FORMAT)},\n"version": {VERSION},\n'
    body = ",\n".join(f'"{name}": [\n{_lines(rows)}\n]' for name, rows in lists.items())
    partial.write_text(f"{head}{body}\n}}\n", encoding="utf-8")
    os.replace(partial, target)
    return target


def _lines(rows: tuple[Curve, ...]) -> str:
    return ",\n".join(json.dumps(asdict(curve)) for curve in rows)


def _rows(found: dict[str, Any], name: str, where: str) -> tuple[Curve, ...]:
    rows = found.get(name, [] if name == "float32" else None)
    if not isinstance(rows, list):
        raise FormatError(f"{where}: {name}: given {type(rows).__name__}; accepted is a list")
    return tuple(_curve(row, f"{where}: {name}[{i}]") for i, row in enumerate(rows))


def _curve(row: Any, where: str) -> Curve:
    if not isinstance(row, dict) or not isinstance(row.get("layer"), dict):
        raise FormatError(f"{where}: given {row!r:.60}; accepted is an object with a layer")
    layer = row["layer"]
    text = {name: _text(row, name, where) for name in ("isa", "source", "provenance")}
    sizes = {name: _size(layer, name, f"{where}: layer") for name in ("pixels", "channels", "out_channels")}
    kind = _text(layer, "kind", f"{where}: layer")
    _one_of(kind, KINDS, f"{where}: layer: kind")
    _one_of(text["source"], SOURCES, f"{where}: source")
    block: Any = tuple(row["block"]) if isinstance(row.get("block"), list) else row.get("block")
    _one_of(block, SPARSE_BLOCKS, f"{where}: block")
    occupancy, speedup = (_numbers(row, name, where) for name in ("occupancy", "speedup"))
    if len(occupancy) != len(speedup):
        raise FormatError(f"{where}: speedup: given {len(speedup)} values; accepted are {len(occupancy)}")
    rising = all(a < b for a, b in itertools.pairwise(occupancy))
    if len(occupancy) < 2 or not rising or occupancy[-1] != 1:
        raise FormatError(
            f"{where}: occupancy: given {list(occupancy)}; accepted are two or more, rising from above 0 to 1"
        )
    return Curve(
        text["isa"], block, LayerShape(kind, **sizes), occupancy, speedup, text["source"], text["provenance"]
    )


def _text(row: dict[str, Any], name: str, where: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not value:
        raise FormatError(f"{where}: {name}: given {value!r}; accepted is text")
    return value


def _size(row: dict[str, Any], name: str, where: str) -> int:
    value = row.get(name)
    if type(value) is not int or value < 1:
        raise FormatError(f"{where}: {name}: given {value!r}; accepted are integers from 1 on")
    return value


def _numbers(row: dict[str, Any], name: str, where: str) -> tuple[float, ...]:
    values = row.get(name)
    # An upper bound: what is infinite or NaN fails it, too.
    if not isinstance(values, list) or not all(type(v) in (int, float) and 0 < v < 1e6 for v in values):
        raise FormatError(f"{where}: {name}: given {values!r:.60}; accepted is a list of numbers above 0")
    return tuple(float(value) for value in values)


def _one_of(value: Any, accepted: tuple[Any, ...], where: str) -> None:
    if value not in accepted:
        raise FormatError(f"{where}: given {value!r}; accepted are {', '.join(map(repr, accepted))}")
