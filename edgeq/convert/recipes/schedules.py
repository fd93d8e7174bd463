"""What a recipe takes: whether it trains, for how long, and how many samples calibrate."""

from __future__ import annotations

from edgeq.convert.child import TIMEOUT_S
from edgeq.convert.recipes.order import TRAINING
from edgeq.convert.recipes.recipe import Recipe
from edgeq.convert.recipes.steps import Calibrate, Schedule

DAY_S = 86_400.0
SLACK = 1.5  # a budget of minutes is of training alone; a first step compiles


def trains(recipe: Recipe) -> bool:
    """Whether a step of the recipe trains."""
    return any(isinstance(step, TRAINING) for step in recipe.steps)


def takes_back(recipe: Recipe) -> bool:
    """Whether the recipe takes steps back by what the samples say that measure them."""
    return any(getattr(step, "keep", "always") == "if-better" for step in recipe.steps)


def calibration_samples(recipe: Recipe) -> int:
    """Return how many representative samples the recipe reads at most."""
    asked = [getattr(step, "samples", 0) for step in recipe.steps]
    calibrates = any(isinstance(step, Calibrate) for step in recipe.steps)
    return max(*asked, 0 if calibrates else Calibrate().samples)


def time_limit(recipe: Recipe) -> float:
    """Return the seconds that the child may take: by the budgets of its training steps.

    A day where a training step has none.
    """
    schedules: list[Schedule | None] = [getattr(s, "schedule", None) for s in recipe.steps]
    budgets = [schedule.minutes for schedule in schedules if schedule is not None]
    if any(minutes is None for minutes in budgets):
        return DAY_S
    trained = SLACK * 60 * sum(minutes for minutes in budgets if minutes is not None)
    return TIMEOUT_S * (2 + len(budgets)) + trained
