"""The README's table of performance has the form that its generator writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torchao", reason="torchao is not installed (pip install mobilekernels[bench])")

from bench import readme
from bench.e2e.networks import NETWORKS

RUN = {
    "machine": {"cpu": "A CPU", "versions": {"torch": "2"}, "commit": "abc", "date": "2026-01-02T03"},
    "threads": 1,
    "rounds": 20,
    "networks": [
        {
            "network": "net",
            "ours_over_best_peer": 0.5,
            "noise": 0.012,
            "speedups": {"2": 1.7},
            "comparison": {
                "results": [
                    {"name": "mobilekernels", "median_ms": 2.0},
                    {"name": "xnnpack", "median_ms": 4.0},
                    {"name": "onednn", "median_ms": None},
                ]
            },
        }
    ],
}


def test_a_run_becomes_a_table_between_the_marks(tmp_path: Path) -> None:
    run, page = tmp_path / "e2e.json", tmp_path / "README.md"
    run.write_text(json.dumps(RUN))
    page.write_text("before\n<!-- performance -->\nold\n<!-- end performance -->\nafter\n")
    assert readme.main([str(run), "--readme", str(page)]) == 0
    text = page.read_text()
    assert "| net | 2.00 | 4.00 | - | - | - | - | 0.50 | 1.2% | 1.70 x |" in text
    assert "commit abc, 2026-01-02" in text.replace("\n", " ")
    assert text.startswith("before\n<!-- performance -->\n| network |")
    assert text.endswith("<!-- end performance -->\nafter\n")
    with pytest.raises(SystemExit):
        readme.main([str(tmp_path / "none.json")])


def test_the_readme_has_that_table() -> None:
    text = readme.README.read_text()
    table = text[text.index("<!-- performance -->") : text.index("<!-- end performance -->")]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    assert tuple(rows[0]) == readme.HEADER
    assert [row[0] for row in rows[1:]] in ([], list(NETWORKS))  # none: not run yet
    assert "make bench" in table
