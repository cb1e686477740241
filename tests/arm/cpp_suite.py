"""The cross-built C++ programs on an emulated core: the tests, and dispatch under each cap on the ISA."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

from tests.arm.cores import ISAS, Core
from tests.arm.result import Result

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build"
LAYERS = Path(__file__).with_name("layers.txt")


def _run(command: list[str], cap: str | None = None) -> tuple[bool, str]:
    """Whether the program passed, and its output; the last line says it if a signal killed it."""
    environment = {name: value for name, value in os.environ.items() if name != "MOBILEKERNELS_ISA"}
    if cap is not None:
        environment["MOBILEKERNELS_ISA"] = cap
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, env=environment)
    if done.returncode < 0:
        return False, f"killed by signal {-done.returncode}"
    return done.returncode == 0, (done.stdout if done.returncode == 0 else done.stdout + done.stderr).strip()


def layer_results(command: list[str], cap: str | None = None) -> dict[str, str] | str:
    """Layer -> checksum of what mk_bench computed for LAYERS, or the message of what went wrong."""
    good, output = _run([*command, str(LAYERS), "--check", "--json", "-"], cap)
    if not good:
        return output
    return {layer["name"]: layer["checksum"] for layer in json.loads(output)["layers"]}


def native_results() -> dict[str, str]:
    """The checksums that this machine's kernels give."""
    results = layer_results([str(BUILD / "native" / "bench" / "cpp" / "mk_bench")])
    if isinstance(results, str):
        raise RuntimeError(f"mk_bench on this machine: {results}")
    return results


def run(core: Core, expected: dict[str, str]) -> Result:
    """`expected`: see native_results."""
    begin = time.monotonic()
    result = Result(core.name, "C++")
    programs = BUILD / core.preset / "tests" / "cpp"
    for program in sorted(programs.glob("*_test")):
        good, output = _run(core.command(str(program)))
        result.check(good, f"{program.name}: {output}")
    for cap in (None, *ISAS):
        good, output = _run(core.command(str(programs / "print_kernels")), cap)
        chosen = dict(line.split() for line in output.splitlines()) if good else output
        result.check(
            chosen == core.expected(cap), f"choice under cap {cap}: {chosen}, not {core.expected(cap)}"
        )
        results = layer_results(core.command(str(BUILD / core.preset / "bench" / "cpp" / "mk_bench")), cap)
        if isinstance(results, str):
            result.failures.append(f"{LAYERS.name} under cap {cap}: {results}")
        else:
            others = [name for name in expected if results.get(name) != expected[name]]
            result.check(not others, f"{LAYERS.name} under cap {cap}: other bytes than here: {others}")
    if not list(programs.glob("*_test")):
        result.failures.append(f"no test programs in {programs}: make arm")
    result.seconds = time.monotonic() - begin
    return result
