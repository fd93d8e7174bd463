"""The page of steps says what their records say."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeq.convert.recipes.places import GRAPH_STEPS, TRAINING_STEPS
from edgeq.convert.recipes.reference import steps_page

PAGE = Path(__file__).parents[3] / "docs" / "recipe-steps.md"


def test_the_page_of_steps_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == steps_page()


@pytest.mark.parametrize("kind", [*TRAINING_STEPS, *GRAPH_STEPS, "quantize"])
def test_every_step_that_a_recipe_may_name_has_a_section(kind: str) -> None:
    assert f"\n### {kind}\n" in steps_page()


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("| `sparsity` | a number, at least 0, below 1 | `0.5` |", "open and closed bounds"),
        ("| `rounds` | an integer, at least 1, at most 20 | `3` |", "integers"),
        ("| `minutes` | a number, above 0, at most 1,440 | none |", "what may be left out"),
        ("| `convolutions` | `cp`, `none`, `tucker` | `tucker` |", "a choice"),
        ("| `layers` | a regular expression | must be given |", "what must be given"),
        ("| `scopes` | a list of tables, [scopes](#scopes), 1,000 at most | none |", "lists"),
    ],
)
def test_a_parameter_is_told_with_its_bounds_and_default(row: str, what: str) -> None:
    assert row in steps_page().splitlines(), what
