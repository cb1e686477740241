"""Which rule lowers which operator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from torch import fx

from mobilekernels.lowering.values import Value
from mobilekernels.sparsity.plan import LayerPlan

if TYPE_CHECKING:
    from mobilekernels.lowering.lower import Lowering


@dataclass(frozen=True)
class Result:
    """What a rule made.

    Attributes:
        family: of the kernel that computes the value.
        weight_bytes: of its packed weight.
        plan: what was decided about the zeros of its weight.
    """

    value: Value
    family: str
    weight_bytes: int = 0
    plan: LayerPlan | None = None


@dataclass(frozen=True)
class Declined:
    """The reason why a rule cannot, where there is something to tell of the zeros of the layer's weight."""

    reason: str
    plan: LayerPlan


# A rule emits nodes and gives a Result, or gives the reason why it cannot.
Rule = Callable[["Lowering", fx.Node], "Result | Declined | str"]

_Rule = TypeVar("_Rule", bound=Rule)

_RULES: dict[Any, Rule] = {}


def rule(*targets: Any) -> Callable[[_Rule], _Rule]:
    """Registers a rule for the given call_function targets."""

    def register(function: _Rule) -> _Rule:
        for target in targets:
            if target in _RULES:
                raise ValueError(f"targets: given {target}, which has a rule, accepted one rule a target")
            _RULES[target] = function
        return function

    return register


def rule_of(target: Any) -> Rule | None:
    from mobilekernels.lowering import rules  # noqa: F401  registers them

    try:
        return _RULES.get(target)
    except TypeError:  # unhashable
        return None


def registered() -> frozenset[Any]:
    """Every target that has a rule."""
    from mobilekernels.lowering import rules  # noqa: F401  registers them

    return frozenset(_RULES)
