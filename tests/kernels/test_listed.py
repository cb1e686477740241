"""A kernel cannot exist untested: the list, the files and the tests name the same kernels."""

import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest

from mobilekernels import _core
from tests.kernels.listed import built_kernels

SOURCES = Path(__file__).parents[2] / "csrc" / "kernels"
FAMILIES = sorted({family for family, *_ in _core.kernels()})


def isas_under_test(module: ModuleType) -> set[str]:
    """The ISAs that every test of the module runs with."""
    per_test = [
        {getattr(value, "values", (value,))[0] for value in mark.args[1]}
        for name, function in vars(module).items()
        if name.startswith("test_")
        for mark in getattr(function, "pytestmark", ())
        if mark.name == "parametrize" and mark.args[0] == "isa"
    ]
    return set.intersection(*per_test) if per_test else set()


@pytest.mark.parametrize("family", FAMILIES)
def test_every_kernel_has_tests(family: str) -> None:
    module = importlib.import_module(f"tests.kernels.test_{family}")
    assert isas_under_test(module) == {isa for listed, isa in built_kernels() if listed == family}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_function_of_a_family_has_a_test(family: str) -> None:
    """Families of one function have it under test in every test of theirs."""
    functions = re.findall(r"\(\*(\w+)\)", (SOURCES / family / f"{family}.h").read_text())
    assert functions
    if "run" not in functions:
        module = importlib.import_module(f"tests.kernels.test_{family}")
        assert {f"test_{function}" for function in functions} <= set(vars(module))


def test_every_kernel_file_is_listed() -> None:
    files = {(path.parent.name, path.stem) for path in SOURCES.glob("*/*.cc")}
    assert files == {(family, isa) for family, isa, *_ in _core.kernels()}


def test_every_family_has_a_scalar_kernel() -> None:
    assert {family for family, isa in built_kernels() if isa == "scalar"} == set(FAMILIES)
