"""The demo's report page."""

from __future__ import annotations

from html import escape

from mobilekernels import html
from mobilekernels.demo.job import DemoResult, Prediction
from mobilekernels.demo.photos import Photo


def render(result: DemoResult) -> str:
    """One self-contained HTML page."""
    comparison = result.comparison
    return html.page(
        "mobilekernels: EfficientNet-Lite0 in int8",
        _summary(result),
        html.heading("Engines") + comparison.html_fragment(),
        html.heading("Plots") + html.comparison_plots(comparison),
        html.heading("Predictions on the labelled photos") + _gallery(result),
        html.heading("What runs on our kernels") + result.conversion.html_fragment(),
        html.heading("Time of each step") + _steps(result),
    )


def headline(result: DemoResult) -> list[str]:
    """The outcome in a few sentences, for the terminal and the page."""
    ours = result.comparison.result("mobilekernels")
    lines = []
    if ours.absent is None:
        rows = result.comparison.rows
        assert ours.accuracy is not None
        assert ours.agreement is not None
        assert ours.sqnr_db is not None
        lines.append(
            f"int8 names {round(ours.accuracy * rows)} of {rows} photos rightly and agrees with float32 on "
            f"{round(ours.agreement * rows)}; logit SQNR {ours.sqnr_db:.1f} dB."
        )
    lines.append(
        f"Calibrated on {result.calibration_items} crops of unlabelled photos; against the quantized graph "
        f"in float arithmetic the converted model has an SQNR of {result.sqnr_to_graph:.1f} dB."
    )
    verdict = "gives the same bytes" if result.reload_equal else "GIVES OTHER BYTES"
    lines.append(f"Saved as {result.model_path.name}; loaded again it {verdict}.")
    return lines


def _summary(result: DemoResult) -> str:
    first, *rest = headline(result)
    return html.paragraph(first, "lead") + "".join(html.paragraph(line) for line in rest)


def _gallery(result: DemoResult) -> str:
    figures = "".join(
        _figure(photo, prediction)
        for photo, prediction in zip(result.photos, result.predictions, strict=True)
    )
    return f'<div class="gallery">{figures}</div>'


def _figure(photo: Photo, prediction: Prediction) -> str:
    kind = "right" if prediction.int8_class == prediction.truth else "wrong"
    lines = [
        f'<span class="{kind}">{escape(prediction.int8_class)}</span> {prediction.int8_probability:.0%}',
    ]
    if kind == "wrong":
        lines.append(f"label: {escape(prediction.truth)}")
    if prediction.float_class != prediction.int8_class:
        lines.append(f"float32: {escape(prediction.float_class)}")
    caption = "<br>".join(lines)
    return f"<figure>{html.image(photo.thumbnail(), photo.name)}<figcaption>{caption}</figcaption></figure>"


def _steps(result: DemoResult) -> str:
    rows = [(name, f"{seconds:.1f} s") for name, seconds in result.seconds.items()]
    rows.append(("all", f"{sum(result.seconds.values()):.1f} s"))
    return html.table(("step", "wall clock"), rows, numeric=(1,), strong=(len(rows) - 1,))
