"""The Python tests on an emulated core: in the arm root (tools/arm_root.py), with the cross-built wheel
installed.

Each core gets one pytest session, because starting torch under emulation takes longer than most tests. The
data of the tests that compare with this machine is written before, and what they leave is read afterwards.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.emulated.cores import Core
from tests.emulated.result import Result
from tools import arm_root

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Suite:
    """Tests for one session; `left_out` are those that cannot run there, by path or by word, and why."""

    name: str
    tests: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]


PROCESS = "it starts a process, and an emulated program cannot start another"
# What the CPU has a part in.
KERNELS = Suite(
    "Python: kernels",
    (
        *("tests/arm/across.py", "tests/golden", "tests/kernels", "tests/ops"),
        *("tests/test_packing.py", "tests/test_kernels.py"),
    ),
    (
        ("tests/ops/test_opcheck.py", "no kernel's business: it runs in the suite of conversion"),
        ("tests/ops/test_no_overread.py", PROCESS),
        ("tests/test_kernels.py::test_cap_from_the_environment", f"{PROCESS}; the C++ suite has it"),
        ("tests/test_kernels.py::test_unknown_name_in_the_environment_is_an_error", PROCESS),
    ),
)
# What has kernels for newer instructions than KERNELS ran with.
GEMM = Suite(
    "Python: gemm",
    (
        *("tests/arm/across.py", "tests/golden", "tests/kernels/test_gemm.py"),
        *("tests/kernels/test_spgemm.py", "tests/ops/test_conv2d.py", "tests/ops/test_linear.py"),
        *(f"tests/ops/test_threads.py::test_{op}" for op in ("conv2d", "linear", "linear_dynamic")),
    ),
    (),
)
# What torch has a part in: the oldest that the package takes.
CONVERSION = Suite(
    "Python: conversion",
    (
        *("tests/arm/across_conversion.py", "tests/ops/test_opcheck.py", "tests/test_errors.py"),
        *("tests/passes", "tests/frontends"),
        *("tests/lowering/test_rules.py", "tests/lowering/test_fuse_residual.py"),
        *("tests/test_convert.py", "tests/test_report.py"),
    ),
    (
        ("tests/ops/test_opcheck.py::test_compile_with_inductor", "it runs a compiler: " + PROCESS),
        ("x86_inductor", "torchao's X86InductorQuantizer quantizes nothing there"),
        ("test_weights_of_minus_128", "it uses X86InductorQuantizer"),
        ("test_an_exported_program_is_recognised", "it uses X86InductorQuantizer"),
    ),
)
# Core -> what runs there. Conversion does not look at the CPU: one will do.
SUITES = {"cortex-a53": (KERNELS,), "neoverse-n1": (KERNELS, CONVERSION), "max,sme=off": (GEMM,)}
# Core -> the ISAs whose kernels are tested there: each on the least core that has it. On the others they are
# the same code, emulated alike.
TESTED = {
    "cortex-a53": ("scalar", "neon"),
    "neoverse-n1": ("neon_dotprod",),
    "max,sme=off": ("neon_i8mm",),
}
LEFT_OUT = (
    ("tests/quantization, tests/test_compare.py", "too slow for emulation: whole networks are calibrated"),
    ("tests/engines", "the stock engines are not this package's"),
    ("tests/lowering/test_networks.py", "too slow for emulation; MobileNetV2 is in tests/arm/across.py"),
    ("tests/cli, tests/test_demo.py, tests/test_import.py", PROCESS),
    ("tests/bench, tests/devices, tests/test_readme.py", "they are about the machine of the developer"),
)


@dataclass(frozen=True)
class Stage:
    """What all sessions share; `folder` has site/ (the wheel), run/ (the tests), data to compare with."""

    root: Path
    folder: Path


def _python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """This machine's Python, in the checkout."""
    env = os.environ | environment
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def prepare(wheel: Path) -> Stage:
    """Unpacks the wheel, copies the tests away from the sources, and writes this machine's results."""
    stage = Stage(arm_root.make(), ROOT / "build" / "arm-python")
    shutil.rmtree(stage.folder, ignore_errors=True)
    with zipfile.ZipFile(wheel) as file:
        file.extractall(stage.folder / "site")
    # A test compares the list of kernels with the files there.
    for part in ("tests", "csrc/kernels"):
        shutil.copytree(
            ROOT / part, stage.folder / "run" / part, ignore=shutil.ignore_patterns("__pycache__")
        )
    (stage.folder / "run" / "pytest.ini").write_text("[pytest]\naddopts = -ra --strict-markers\n")
    for module, file_name in (
        ("tests.golden.make", "native.npz"),
        ("tests.arm.mobilenet_v2", "mobilenet_v2.pt"),
    ):
        done = _python("-m", module, str(stage.folder / file_name))
        if done.returncode != 0:
            raise RuntimeError(f"{module}: {done.stdout}{done.stderr}")
    return stage


def run(stage: Stage, core: Core, suite: Suite) -> Result:
    begin = time.monotonic()
    result = Result(core.name, suite.name)
    report = stage.folder / f"{suite.name} {core.name}.xml"
    environment = {
        "PYTHONPATH": f"{stage.folder / 'site'}:{stage.folder / 'run'}",
        "MOBILEKERNELS_ACROSS": str(stage.folder),
        "MOBILEKERNELS_CORE": core.name,
        "MOBILEKERNELS_TEST_ISA": ",".join(TESTED[core.name]),
        "MOBILEKERNELS_GOLDEN": str(stage.folder / "native.npz"),
    }
    # faulthandler would take the illegal instructions that tools/lse_trap.cc is to handle.
    plugins = ("-p", "no:cacheprovider", "-p", "no:faulthandler")
    options = ("-q", "--no-header", *plugins, "--hypothesis-profile=emulated", f"--junitxml={report}")
    deselected = [f"--deselect={test}" for test, _ in suite.left_out if "/" in test]
    words = [word for word, _ in suite.left_out if "/" not in word]
    left_out = [*deselected, *(["-k", f"not ({' or '.join(words)})"] if words else [])]
    done = subprocess.run(
        [*arm_root.python_command(stage.root, core.name), "-m", "pytest", *options, *left_out, *suite.tests],
        cwd=stage.folder / "run",
        env=arm_root.environment(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    (stage.folder / f"{suite.name} {core.name}.log").write_text(done.stdout + done.stderr)
    _count(report, result)
    if done.returncode != 0 and not result.failures:
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        killed = f"killed by signal {-done.returncode}: " if done.returncode < 0 else ""
        result.failures.append(f"pytest: {killed}{last}")
    result.notes.append(f"kernels that were tested: {', '.join(TESTED[core.name])}")
    result.notes += [f"left out: {test}: {reason}" for test, reason in suite.left_out]
    result.seconds = time.monotonic() - begin
    return result


def _count(report: Path, result: Result) -> None:
    """Reads pytest's report into `result`, the reasons of skipped tests among the notes."""
    if not report.is_file():
        return
    reasons = Counter[str]()
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        bad = [child for child in case if child.tag in ("failure", "error")]
        skipped = case.find("skipped")
        if bad:
            result.failures.append(f"{name}: {(bad[0].get('message') or '').splitlines()[:1]}")
        elif skipped is not None:
            result.skipped += 1
            reasons[skipped.get("message") or "no reason"] += 1
        else:
            result.passed += 1
    result.notes += [f"{count} skipped: {reason}" for reason, count in reasons.most_common()]


def read_back(stage: Stage) -> Result:
    """Reads here what each core has left, on every ISA of this machine; and runs the tests of these tools."""
    begin = time.monotonic()
    result = Result("this machine", "read back")
    paths = [stage.folder / f"emulated-{core}.npz" for core in SUITES]
    report = stage.folder / "read_back.xml"
    done = _python(
        *(
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            f"--junitxml={report}",
            "tests/golden",
            "tests/arm",
        ),
        MOBILEKERNELS_GOLDEN=os.pathsep.join(map(str, paths)),
    )
    _count(report, result)
    if done.returncode != 0 and not result.failures:
        result.failures.append(done.stdout[-2000:] + done.stderr[-2000:])
    result.seconds = time.monotonic() - begin
    return result
