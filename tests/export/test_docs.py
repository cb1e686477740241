"""What docs/export.md shows and can be run here does run, in the order of the page."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "export.md").read_text()
# A mark, a language, the code: "<!-- run -->" runs it, "<!-- run: app.cc -->" writes it to that file.
BLOCKS = re.findall(r"<!-- run(?:: (\S+))? -->\n```(\w+)\n(.*?)```", PAGE, re.DOTALL)


def test_every_marked_block_is_found() -> None:
    assert len(BLOCKS) == PAGE.count("<!-- run") - 1  # the page's head names the mark


def test_the_page_runs(tmp_path: Path) -> None:
    pytest.importorskip("executorch", reason="what writes and runs .pte files")
    bin_folder = Path(sys.executable).parent
    path = os.pathsep.join([str(bin_folder), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "MOBILEKERNELS": str(ROOT), "PYTHONPATH": str(ROOT)}
    told = []
    for file, language, code in BLOCKS:
        if file:
            (tmp_path / file).write_text(code)
            continue
        shell = {"python": [sys.executable, "-c"], "sh": ["bash", "-euc"]}[language]
        done = subprocess.run([*shell, code], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{code}\n{done.stdout}{done.stderr}"
        told.append(done.stdout)
    report, inspected, in_executorch, in_torch, in_cpp, benched = told
    assert "ours: " in report
    assert "1  conv2d" in inspected
    assert in_executorch.strip().endswith("torch.Size([1, 10])")
    assert in_torch.strip().endswith("torch.Size([4, 10])")
    assert in_cpp.splitlines()[-1] == "10 logits"
    assert benched.splitlines()[-1].split()[-1] == "yes"
