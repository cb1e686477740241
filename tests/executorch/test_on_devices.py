"""`bench MODEL.pte --device`: mk_runner and its libraries on this machine, over ssh, on emulated cores."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mobilekernels.bench.file_on_device import FileSettings, run_file_on
from mobilekernels.cli.main import main
from mobilekernels.devices.base import DeviceError
from mobilekernels.devices.open import open_device
from tests.devices import needs
from tests.devices.sshd import Server, serving
from tests.executorch.runner import AARCH64, CORES
from tests.executorch.small_network import images, small_network

pytest.importorskip("executorch", reason="executorch is not installed")

Output = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "small.pte"
    path.write_bytes(small_network().file)
    return path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("sshd")) as found:
        yield found


def needs_aarch64() -> None:
    needs.program("qemu-aarch64", "qemu-user")
    if not AARCH64.is_file():
        needs.missing("needs `make executorch-aarch64`")


def test_over_ssh(server: Server, model: Path, tmp_path: Path) -> None:
    """The output of a real login's run, eager's times, and a folder that is gone afterwards."""
    x = images(3).numpy()
    done = run_file_on(server.device(tmp_path), model, [x], FileSettings(rounds=2, warmup=1))
    assert done.output == small_network().model(images(3)).numpy().tobytes()
    assert done.measured["inputs"] == [{"dtype": "float32", "shape": list(x.shape)}]
    assert done.measured["latency_us"]["calls"] == 2
    assert any(each["name"].startswith("segment: ") for each in done.measured["operators"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("core", CORES)
def test_emulated_cores_give_bytes_and_no_times(core: str, model: Path, tmp_path: Path) -> None:
    needs_aarch64()
    device = open_device(f"qemu:{core}", folder=str(tmp_path))
    done = run_file_on(device, model, [images(2).numpy()], FileSettings(timed=False, threads=2))
    assert done.output == small_network().model(images(2)).numpy().tobytes()
    assert (done.emulated, done.measured["architecture"]) == (True, "aarch64")
    assert not any(name.endswith(("_us", "_ms")) for name in done.measured)
    assert list(tmp_path.iterdir()) == []


def test_command(model: Path, tmp_path: Path, capsys: Output) -> None:
    needs_aarch64()
    arguments = ["bench", str(model), "--device", "local", "--device", f"qemu:{CORES[1]}", "--rounds", "2"]
    assert main([*arguments, "--output", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "small.pte, input 1x3x16x16" in shown  # of a free batch, one image
    assert "emulated: bytes checked, time not reported" in shown
    here, emulated = json.loads((tmp_path / "small.pte.json").read_text())
    assert (here["device"], emulated["device"]) == ("local", "qemu:neoverse-n1")
    assert here["same_bytes"]
    assert emulated["same_bytes"]
    assert here["latency_us"]["calls"] == 2
    assert "latency_us" not in emulated


def test_other_bytes_are_a_failure(model: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def disturbed(*arguments: object, **options: object) -> object:
        done = run_file_on(*arguments, **options)  # type: ignore[arg-type]
        seen.append(done)
        # The third is the device's: what the file takes, bytes to compare with, the run.
        return done if len(seen) < 3 else type(done)(**{**vars(done), "output": done.output[::-1]})

    monkeypatch.setattr("mobilekernels.bench.file_on_device.run_file_on", disturbed)
    assert main(["bench", str(model), "--rounds", "1"]) == 1
    told = capsys.readouterr()
    assert "error: a device gave other bytes than this machine" in told.err
    assert "NO" in told.out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["lost.pte"], 2, "model: given 'lost.pte', which is no file"),
        (["MODEL", "--pin", "big", "--isa", "avx2"], 2, "--pin, --isa: given with a .pte file"),
        (["MODEL", "--input-shape", "1,3,16,16", "--input-shape", "1,1"], 2, "given 2 times, accepted 1"),
        (["MODEL", "--input-shape", "9,3,16,16"], 1, "forward"),
        (["DAMAGED"], 1, "error: FormatError"),
    ],
)
def test_what_is_wrong_is_named(
    model: Path, tmp_path: Path, arguments: list[str], code: int, message: str, capsys: Output
) -> None:
    damaged = tmp_path / "damaged.pte"
    damaged.write_bytes(model.read_bytes()[:-1])
    given = [word.replace("MODEL", str(model)).replace("DAMAGED", str(damaged)) for word in arguments]
    assert main(["bench", *given]) == code
    assert message in capsys.readouterr().err


def test_a_processor_without_a_runner_is_named(model: Path) -> None:
    needs.program("qemu-arm", "qemu-user")
    device = open_device("qemu:cortex-a15")
    with pytest.raises(
        DeviceError, match="its processor is armv7l, accepted by mk_runner are x86_64, aarch64"
    ):
        run_file_on(device, model, [np.zeros((1, 3, 16, 16), np.float32)], FileSettings())
