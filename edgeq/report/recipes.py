"""Recipes as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgeq.core.units import format_seconds
from edgeq.report.accuracy import metric_text, points_text
from edgeq.report.table import Tables, facts, make_table

if TYPE_CHECKING:
    from edgeq.convert.recipes.recipe import Written
    from edgeq.core.records import RecipeRecord, StepRecord


def recipes_tables(recipes: Sequence[Written]) -> Tables:
    """Every recipe: its steps, its types, what it is for."""
    from edgeq.convert.recipes.recipe import kind_of

    rows = (
        (
            written.recipe.name,
            ", ".join(kind_of(step) for step in written.recipe.steps[:-1]) or "-",
            written.recipe.quantize.scheme,
            written.recipe.about,
        )
        for written in recipes
    )
    notes = ("edgeq recipes show NAME prints the TOML; edgeq convert --recipe NAME|FILE uses it",)
    return (make_table("Recipes", "recipe|steps|types|what it is for", rows, notes),)


def recipe_tables(record: RecipeRecord) -> Tables:
    """What made a model, and what each step gave."""
    values = {
        "recipe": f"{record.name} (SHA-256 {record.sha256})",
        "seed": str(record.seed),
        "source SHA-256": record.source_sha256,
        "data SHA-256": record.data_sha256,
    }
    metric = record.metric or "-"
    rows = (
        (str(place), step.kind, _db(step.sqnr_db), _gain(step), *_value(metric, step),
         format_seconds(step.seconds))
        for place, step in enumerate(record.steps, 1)
    )  # fmt: skip
    columns = f">#|step|>SQNR|>gain|>{metric}|>change|what the change says|>took"
    note = f"measured on {record.held} samples of the {record.held_of} split that were held back"
    return (facts("Recipe", values), make_table("Steps", columns, rows, (note,)))


def _db(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} dB"


def _gain(step: StepRecord) -> str:
    if step.sqnr_db is None or step.before_db is None:
        return "-"
    gain = f"{step.sqnr_db - step.before_db:+.1f} dB"
    return gain if step.kept else f"{gain}, taken back"


def _value(metric: str, step: StepRecord) -> tuple[str, str, str]:
    if step.value is None or step.change is None:
        return "-", "-", "-"
    change = step.change
    words = f"{change.verdict} (p = {change.p_value:.2g})"
    return metric_text(metric, step.value), points_text(metric, change.change), words
