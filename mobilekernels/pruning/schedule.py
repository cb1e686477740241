"""When how much is pruned."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CubicSchedule:
    """Gradual pruning (Zhu and Gupta 2017, arXiv:1710.01878): fast at first, slow near the end.

    At the steps t = begin, begin + every, ..., begin + updates * every:
    s(t) = final + (initial - final) * (1 - (t - begin) / (updates * every))^3, held in between.

    Attributes:
        begin: the first step that prunes, counted in optimizer steps.
        updates: how many times the sparsity rises.
        every: steps from one update to the next, in which the network recovers.
        initial: sparsity at ``begin``.
    """

    begin: int = 0
    updates: int = 20
    every: int = 100
    initial: float = 0.0

    def __post_init__(self) -> None:
        for name, least in (("begin", 0), ("updates", 1), ("every", 1)):
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise ValueError(f"{name}: given {value!r}; accepted are integers from {least} on")
        if not isinstance(self.initial, (int, float)) or not 0 <= self.initial < 1:
            raise ValueError(f"initial: given {self.initial!r}; accepted are numbers from 0 to below 1")

    @property
    def end(self) -> int:
        """The step from which on the sparsity is final."""
        return self.begin + self.updates * self.every

    def due(self, step: int) -> bool:
        """Whether the sparsity changes at this step."""
        return self.begin <= step <= self.end and (step - self.begin) % self.every == 0

    def sparsity(self, step: int, final: float) -> float:
        """The sparsity that holds after ``step`` optimizer steps."""
        if step < self.begin:
            return 0.0
        done = min((step - self.begin) // self.every, self.updates)
        return final + (self.initial - final) * (1 - done / self.updates) ** 3
