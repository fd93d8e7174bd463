"""Child side: a recipe without its training, so that what must fail fails before hours of it."""

from __future__ import annotations

from pathlib import Path

from edgeq.convert.quantization.notes import lost_codebooks
from edgeq.convert.recipes.export import FLOAT, write_float
from edgeq.convert.recipes.materials import Materials
from edgeq.convert.recipes.recipe import Recipe
from edgeq.convert.recipes.scopes import idle_scopes
from edgeq.convert.recipes.training import Course, rehearse_steps
from edgeq.convert.road import draft_model, finish, keep_extremes
from edgeq.convert.training.kernels import kernels_of
from edgeq.core.errors import InputError

SAMPLES = 32  # of each kind: enough to see what the labels and the outputs are


def rehearse(source: Path, recipe: Recipe, course: Course, folder: Path) -> None:
    """Do what a recipe that trains does, but for the training and the steps on the graph.

    Every training step changes the model as it will, untrained; what comes of them is exported
    and quantised. No checkpoint is written.

    Raises:
        InputError: a step refuses the model or its data, an expression names no layer, or weights
            of few values would not stay so.
        ToolchainError: a layer cannot have the types asked for.
    """
    course = course._replace(materials=_few(course.materials))
    trained, x = rehearse_steps(source, course), course.materials.calibration.x
    model, _ = write_float(source, folder, x, trained.model)
    draft = draft_model(folder / FLOAT, course.scheme, model=model, inputs=x, notes=trained.notes)
    # Untrained activations may be too plain to tell layers by; those with weights are sure.
    for idle in idle_scopes(recipe, draft, kernels_of(model)):
        raise idle.error
    finish(keep_extremes(draft, x))
    for name in lost_codebooks(draft):
        raise InputError(
            f"layer {name}: its few values would be lost, since layers beside it scale its weights",
            hint="leave it out of the step's `layers`, or fold those layers into it",
        )


def _few(materials: Materials) -> Materials:
    parts = {name: getattr(materials, name) for name in ("calibration", "training", "watched")}
    return materials._replace(**{name: part.head(SAMPLES) for name, part in parts.items()})
