"""Speed-ups of block-sparse layers, and the goals."""

from __future__ import annotations

import pytest

from bench.proxies import sparse


def costs(by_times: float) -> dict[str, float]:
    """Of the list, every sparse layer that many times cheaper than dense, by its goal."""
    times = {
        (block, share): by_times * goal
        for block, goals in sparse.GOALS.items()
        for share, goal in zip(sparse.SHARES, goals, strict=True)
    }
    keys = [(layer.name, (layer.values.get("block"), layer.values.get("zeros"))) for layer in sparse.layers()]
    return {name: 1e6 / times.get(key, 1.0) for name, key in keys}  # type: ignore[arg-type]


def test_a_layer_is_held_against_the_dense_one_of_its_shape() -> None:
    listed = sparse.layers()
    found = sparse.speedups(listed, costs(1.0))
    assert list(found) == [layer.name for layer in listed if "block" not in layer.values]
    assert found["3x3_128_28"]["4x4", "80"] == pytest.approx(4.0)
    assert found["row_2048_4096"]["1x4", "90"] == pytest.approx(5.5)


@pytest.mark.parametrize(
    ("by_times", "slack", "verdict"),
    [(0.86, 0.15, "met"), (0.84, 0.15, "MISSED"), (1.01, 0, "met"), (0.99, 0, "MISSED")],
)
def test_goals_allow_a_slack(by_times: float, slack: float, verdict: str) -> None:
    listed = sparse.layers()
    lines = sparse.goal_lines(sparse.speedups(listed, costs(by_times)), sparse.rows_of_one(listed), slack)
    assert len(lines) == 8
    assert all(verdict in line for line in lines)


def test_goals_of_shares_that_were_not_run_are_left_out() -> None:
    listed = sparse.layers("80")
    lines = sparse.goal_lines(sparse.speedups(listed, costs(1.01)), sparse.rows_of_one(listed))
    assert [line.split(":")[1] for line in lines] == [" 4x4 at 80 %", " 1x4 at 80 %"]


def test_what_the_gate_runs_is_dense_or_at_one_share() -> None:
    shares = [layer.values.get("zeros") for layer in sparse.layers(sparse.GATED)]
    assert set(shares) == {None, "80"}
    assert len(shares) < len(sparse.layers()) / 2
