"""The runner's own logic, and the check of wheels."""

from __future__ import annotations

import shutil
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.arm import python_suite
from tests.arm.cores import CORES, ISAS
from tests.emulated.cores import best_of_families
from tests.emulated.result import Result, matrix
from tools import check_wheel

ROOT = Path(__file__).parents[2]
REPORT = """<testsuites><testsuite>
<testcase classname="a" name="good"/>
<testcase classname="a" name="bad"><failure message="3 != 4&#10;more"/></testcase>
<testcase classname="a" name="left"><skipped message="no such CPU"/></testcase>
</testsuite></testsuites>"""


def core(name: str) -> dict[str | None, str]:
    """Cap -> the ISA expected for GEMM."""
    found = next(core for core in CORES if core.name == name)
    return {cap: found.expected(cap)["gemm"] for cap in (None, "scalar", "neon", "neon_dotprod", "neon_i8mm")}


def test_expected_choice_is_the_least_of_cap_core_and_family() -> None:
    assert list(core("cortex-a53").values()) == ["neon", "scalar", "neon", "neon", "neon"]
    assert list(core("neoverse-n1").values()) == [
        "neon_dotprod",
        "scalar",
        "neon",
        "neon_dotprod",
        "neon_dotprod",
    ]
    assert list(core("max,sme=off").values()) == ["neon_i8mm", "scalar", "neon", "neon_dotprod", "neon_i8mm"]
    assert best_of_families(ISAS)["pool"] == "neon"


def test_each_isa_is_tested_on_a_core_that_has_it() -> None:
    assert python_suite.TESTED.keys() == python_suite.SUITES.keys()
    assert sorted(isa for isas in python_suite.TESTED.values() for isa in isas) == sorted(ISAS)
    for each in CORES:
        assert set(python_suite.TESTED.get(each.name, ())) <= set(each.tested)


def test_report_of_pytest_is_counted(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(REPORT)
    result = Result("some-core", "Python")
    python_suite._count(report, result)
    assert (result.passed, result.skipped, len(result.failures)) == (1, 1, 1)
    assert "3 != 4" in result.failures[0]
    assert result.notes == ["1 skipped: no such CPU"]
    assert "| some-core | 1, 1 FAILED in 0.0 min |" in matrix([result])


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """What a wheel of this checkout has, with the libraries that were built for this machine."""
    path = tmp_path / "mobilekernels-0-cp311-cp311-manylinux_2_99_x86_64.whl"
    with zipfile.ZipFile(path, "w") as file:
        for source in (ROOT / "mobilekernels").rglob("*"):
            if source.suffix in (".py", ".pyi", ".typed", ".json", ".so"):
                file.write(source, source.relative_to(ROOT))
        file.writestr("mobilekernels-0.dist-info/RECORD", "".join(f"{name},,\n" for name in file.namelist()))
        file.writestr("mobilekernels-0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: false\n")
        file.writestr(
            "mobilekernels-0.dist-info/METADATA", "Metadata-Version: 2.1\nName: mobilekernels\nVersion: 0\n"
        )
    return path


@pytest.mark.skipif(sysconfig.get_platform() != "linux-x86_64", reason="the wheel of this test is for x86_64")
def test_wheel_is_held_to_its_name_and_to_the_checkout(wheel: Path) -> None:
    assert check_wheel.check(wheel) == []

    older = wheel.with_name(wheel.name.replace("2_99", "2_5"))
    shutil.copy(wheel, older)
    (problem,) = check_wheel.check(older)
    assert "is tagged manylinux_2_5_x86_64, but its symbols need manylinux_2_" in problem

    with zipfile.ZipFile(wheel, "a") as file:
        file.writestr("mobilekernels/stale.py", "")
    assert check_wheel.check(wheel) == ["not in the checkout: mobilekernels/stale.py"]
