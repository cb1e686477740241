"""What bounds kernels here: `mk_bench --peak`."""

from __future__ import annotations

import pytest

from mobilekernels.bench import roofs
from mobilekernels.devices.base import DeviceError
from tests.devices import needs


def test_roofs_are_measured() -> None:
    needs.local()
    found = roofs.measure_roofs()
    assert found.absent == ""
    assert found.memory_gbytes > 0.1
    assert found.gmacs > 0.1
    assert found.instruction
    assert found.text().startswith("Peak of one thread: ")


def test_without_a_runner_the_reason_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(device: object) -> None:
        raise DeviceError("local: no runner for x86_64 is built")

    monkeypatch.setattr(roofs, "runner_for", none)
    found = roofs.measure_roofs()
    assert (found.gmacs, found.memory_gbytes) == (0.0, 0.0)
    assert found.text() == "Peak not measured: local: no runner for x86_64 is built"
