"""adb, against a STAND-IN for the adb program that maps the phone onto a folder of this machine.

No phone takes part: what is tested is the way we call adb. The real program, where installed, is asked once
for a phone that is not there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mobilekernels.bench.on_device import Settings
from mobilekernels.devices.base import DeviceError
from mobilekernels.devices.open import open_device
from tests.devices import check, needs
from tests.devices.test_ssh import free_port

STAND_IN = """#!{python}
import shutil, subprocess, sys
PHONE = "{phone}"
PROPERTIES = {{"manufacturer": "Maker", "model": "Phone 7", "release": "15"}}

def here(path):
    return path.replace("/data/local/tmp", PHONE)

words = sys.argv[1:]
if words[:1] == ["-s"]:
    if words[1] != "SERIAL":
        sys.exit(f"adb: device '{{words[1]}}' not found")
    words = words[2:]
with open(PHONE + "/../calls", "a") as calls:
    print(*words, file=calls)
kind, *rest = words
if kind == "shell":
    (line,) = rest
    if line.startswith("getprop "):
        print(PROPERTIES.get(line.rpartition(".")[2], ""))
    else:
        done = subprocess.run(["sh", "-c", here(line)], capture_output=True, text=True)
        sys.stdout.write(done.stdout.replace(PHONE, "/data/local/tmp"))
        sys.stderr.write(done.stderr.replace(PHONE, "/data/local/tmp"))
        sys.exit(done.returncode)
elif kind == "push":
    shutil.copyfile(rest[0], here(rest[1]))
    print("1 file pushed")
elif kind == "pull":
    shutil.copyfile(here(rest[0]), rest[1])
else:
    sys.exit(f"adb: unknown command {{kind}}")
"""


@pytest.fixture
def phone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that stands for /data/local/tmp, with the stand-in as the only adb."""
    folder = tmp_path / "phone"
    folder.mkdir()
    program = tmp_path / "bin" / "adb"
    program.parent.mkdir()
    program.write_text(STAND_IN.format(python=sys.executable, phone=folder))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return folder


@pytest.mark.parametrize("name", ["adb", "adb:SERIAL"])
def test_runs_there(phone: Path, name: str) -> None:
    needs.local()
    device = open_device(name)
    assert device.describe() == "Maker Phone 7, Android 15"
    check.bytes_are_right(device, phone, Settings(rounds=2, pin="0"))
    calls = (phone.parent / "calls").read_text().splitlines()
    assert any(call.startswith("shell chmod 755 /data/local/tmp/mobilekernels.") for call in calls)
    assert calls[-1].startswith("shell rm -rf /data/local/tmp/mobilekernels.")


def test_failures_there_are_shown(phone: Path) -> None:
    needs.local()
    check.failures_are_shown(open_device("adb"), phone)
    with pytest.raises(DeviceError, match="adb: device 'OTHER' not found"):
        open_device("adb:OTHER").arch()


def test_the_real_adb_says_that_no_phone_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    adb = needs.program("adb", "adb")
    # A server of its own, so that the user's phones and server are left alone.
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(free_port()))
    try:
        with pytest.raises(DeviceError, match="no devices/emulators found"):
            open_device("adb").arch()
    finally:
        subprocess.run([adb, "kill-server"], capture_output=True, check=True)


def test_a_missing_adb_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DeviceError, match="the program adb is missing: apt-get install adb"):
        open_device("adb").arch()
