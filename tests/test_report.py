import json
from html.parser import HTMLParser

import pytest
import torch
from torch import nn

import mobilekernels
from mobilekernels.report import LayerReport, Report
from tests.frontends.quantized import quantize

ROWS = (
    LayerReport("conv", "conv2d", ((1, 3, 8, 8),), (1, 4, 8, 8), "gemm/scalar", "ours", "", 6912, 500),
    LayerReport(
        "odd", "cumsum<int>", ((1, 4, 8, 8),), (1, 4, 8, 8), "", "stock", "no int8 kernel for cumsum"
    ),
    LayerReport("fc", "linear", ((1, 4),), (1, 10), "", "stock", "weight holds -128", 2304),
)
REPORT = Report(ROWS, "FX graph module", ("3 codes moved",))
PRUNED = Report(
    (
        *ROWS,
        LayerReport(
            "used",
            "conv2d",
            ((1, 8, 8, 8),),
            (1, 8, 8, 8),
            "spgemm/avx2",
            "ours",
            sparsity=0.8,
            occupancy={"4x4": 0.2, "1x4": 0.2},
            block="4x4",
            gain=3.71,
        ),
        LayerReport(
            "lost",
            "conv2d",
            ((1, 8, 8, 8),),
            (1, 8, 8, 8),
            "gemm/avx2",
            "ours",
            sparsity=0.6,
            occupancy={"4x4": 0.99, "1x4": 0.87},
            advice="as many zeros would pay with block=(4, 4) (1.9x)",
        ),
    )
)


class _WellFormed(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.text, self.rows = [], [], 0

    def handle_starttag(self, tag, attrs):
        if tag != "meta":
            self.open.append(tag)
        self.rows += tag == "tr"

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_coverage():
    assert REPORT.op_coverage == pytest.approx(1 / 3)
    assert REPORT.mac_coverage == pytest.approx(0.75)
    assert Report(()).op_coverage == 0.0
    assert Report(()).mac_coverage == 1.0


def test_the_text_leads_with_coverage_and_ends_with_reasons():
    lines = str(REPORT).splitlines()
    assert lines[1] == "operators on our kernels: 1 of 3 (33.3%)"
    assert lines[2] == "multiply-accumulates on our kernels: 75.0% of 0.0 M"
    assert "note: 3 codes moved" in lines
    assert lines[-2:] == [
        "  cumsum<int> x1 (odd): no int8 kernel for cumsum",
        "  linear x1 (fc): weight holds -128",
    ]
    assert any("1x3x8x8" in line and "gemm/scalar" in line for line in lines)


def test_the_dictionary_is_json():
    content = json.loads(json.dumps(REPORT.to_dict()))
    assert content["mac_coverage"] == pytest.approx(0.75)
    assert content["layers"][0]["input_shapes"] == [[1, 3, 8, 8]]
    assert content["layers"][1]["reason"] == "no int8 kernel for cumsum"


def test_zeros_have_a_table_of_their_own():
    assert "pruned layer" not in str(REPORT)
    assert "pruned layer" not in REPORT.to_html()
    text = str(PRUNED)
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("pruned layer"))
    assert lines[start + 2].split() == ["used", "80%", "20%", "20%", "4x4", "3.7x"]
    assert lines[start + 3].split(maxsplit=5) == [
        "lost",
        "60%",
        "99%",
        "87%",
        "dense",
        "as many zeros would pay with block=(4, 4) (1.9x)",
    ]
    assert "spgemm/avx2 4x4" in text
    content = json.loads(json.dumps(PRUNED.to_dict()))["layers"][3]
    assert (content["block"], content["gain"], content["occupancy"]["4x4"]) == ("4x4", 3.71, 0.2)
    parser = _WellFormed()
    parser.feed(PRUNED.to_html().removeprefix("<!doctype html>"))
    assert parser.open == []
    assert parser.rows == 6 + 3
    assert "as many zeros would pay with block=(4, 4) (1.9x)" in parser.text


@pytest.mark.parametrize("page", [REPORT.html_fragment(), REPORT.to_html()])
def test_the_html_is_well_formed_and_escaped(page):
    parser = _WellFormed()
    parser.feed(page.removeprefix("<!doctype html>"))
    assert parser.open == []
    assert parser.rows == 4
    assert "cumsum<int>" in parser.text
    assert "http" not in page


def test_rows_of_a_conversion():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.depthwise, self.fc = (
                nn.Conv2d(3, 8, 3),
                nn.Conv2d(8, 8, 3, groups=8),
                nn.Linear(8, 5),
            )

        def forward(self, x):
            x = nn.functional.hardswish(self.conv(x))
            return self.fc(self.depthwise(x).mean([2, 3])).cumsum(1)

    x = torch.randn(1, 3, 10, 10)
    _, report = mobilekernels.convert(quantize(Net().eval(), "xnnpack", x, dynamic_batch=False), (x,))
    chosen = {k.family: k.isa for k in mobilekernels.kernels() if k.chosen}
    rows = {row.op: row for row in report.layers}
    assert list(rows) == ["conv2d", "hardswish", "mean", "linear", "cumsum"]
    first, second = (row for row in report.layers if row.op == "conv2d")
    assert first.kernel == f"gemm/{chosen['gemm']}"
    assert second.kernel == f"depthwise/{chosen['depthwise']}"
    assert (first.macs, second.macs, rows["linear"].macs) == (8 * 8 * 8 * 27, 8 * 6 * 6 * 9, 40)
    assert first.input_shapes == ((1, 3, 10, 10),)
    assert first.output_shape == (1, 8, 8, 8)
    assert first.weight_bytes > 8 * 27
    assert rows["cumsum"].status == "stock"
    assert rows["cumsum"].reason == "no int8 kernel for aten.cumsum.default"
