"""mk_runner, on this machine and on emulated cores: eager's bytes, and clear errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.executorch.runner import CORES, report, run
from tests.executorch.small_network import images, small_network
from tests.same_bytes import assert_same_bytes

pytest.importorskip("executorch", reason="executorch is not installed")

EVERYWHERE = pytest.mark.parametrize("core", [None, *CORES], ids=["native", *CORES])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "small.pte"
    path.write_bytes(small_network().file)
    return path


@EVERYWHERE
@pytest.mark.parametrize(("batch", "threads"), [(1, 1), (5, 2)])
def test_bytes_are_those_of_eager(
    model: Path, tmp_path: Path, core: str | None, batch: int, threads: int
) -> None:
    x = images(batch)
    source, target = tmp_path / "x.bin", tmp_path / "y.bin"
    source.write_bytes(x.numpy().tobytes())
    done = report(
        core,
        model,
        "--input",
        source,
        "--output",
        target,
        "--threads",
        str(threads),
        "--repeat",
        "3",
        "--profile",
    )
    expected = small_network().model(x).numpy()
    got = np.fromfile(target, np.float32).reshape(expected.shape)
    assert_same_bytes(got, expected)
    assert done["outputs"] == [{"dtype": "float32", "shape": list(expected.shape), "bytes": expected.nbytes}]
    assert (done["threads"], done["architecture"]) == (threads, "aarch64" if core else "x86_64")
    latency = done["latency_us"]
    assert latency["calls"] == 3
    assert 0 < latency["least"] <= latency["p50"] <= latency["p90"] <= latency["p99"] <= latency["most"]
    assert done["file_bytes"] == model.stat().st_size
    assert done["peak_memory_bytes"] > done["planned_bytes"] > 0
    names = [operator["name"] for operator in done["operators"]]
    assert "mobilekernels::segment.out" in names
    assert any(name.startswith("segment: ") and name.endswith(" conv2d") for name in names)
    assert all(operator["us"] > 0 for operator in done["operators"])


@EVERYWHERE
def test_operators_of_executorch_run_beside_ours(tmp_path: Path, core: str | None) -> None:
    path = tmp_path / "softmax.pte"
    path.write_bytes(small_network(softmax=True).file)
    done = report(core, path, "--profile")
    calls = {operator["name"]: operator["calls"] for operator in done["operators"]}
    assert calls["mobilekernels::segment.out"] == 2
    assert any("softmax" in name for name in calls)


@EVERYWHERE
def test_a_damaged_file_is_refused(model: Path, tmp_path: Path, core: str | None) -> None:
    data = bytearray(model.read_bytes())
    paths = []
    for i in range(8):
        paths.append(tmp_path / f"{i}.pte")
        at = len(data) * i // 8
        paths[-1].write_bytes(data[:at] if i % 2 else data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    done = run(core, "--check", *paths, model)
    assert done.returncode == 1, done.stderr
    assert done.stdout.splitlines()[-1] == "9 files, 8 refused"


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        ([], 2, "MODEL.pte: none was given"),
        (["MODEL", "--nothing"], 2, "option '--nothing' is not known"),
        (["MODEL", "--threads", "0"], 2, "--threads: given '0', accepted an integer from 1 on"),
        (["MODEL", "--input"], 2, "--input: its value is missing"),
        (["MODEL", "--input", "SHORT"], 2, "given '5 bytes', accepted "),
        (["MODEL", "--input", "SHORT:9,3,16,16"], 2, "given '5 bytes', accepted 27648 (float32)"),
        (["MODEL", "--method", "backward"], 1, "backward: "),
        (["MODEL", "--output", "/nowhere/y.bin"], 1, "/nowhere/y.bin: cannot be written"),
        (["nothing.pte"], 1, "nothing.pte: No such file or directory"),
        (["SHORT"], 1, "FormatError: file: size: given 5 bytes, accepted at least 24"),
    ],
)
def test_what_is_wrong_is_named(
    model: Path, tmp_path: Path, arguments: list[str], code: int, expected: str
) -> None:
    short = tmp_path / "short"
    short.write_bytes(b"short")
    given = [text.replace("MODEL", str(model)).replace("SHORT", str(short)) for text in arguments]
    done = run(None, *given)
    assert done.returncode == code
    assert expected in done.stderr


def test_a_batch_that_was_not_planned_is_refused(model: Path, tmp_path: Path) -> None:
    source = tmp_path / "x.bin"
    source.write_bytes(images(9).numpy().tobytes())
    done = run(None, model, "--input", source)
    assert done.returncode == 1
    assert "forward" in done.stderr
