"""Child side: the road of a recipe, from a float model through its steps to a quantised one."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from edgeq.convert.backends import COMPARED, compare_with_source
from edgeq.convert.interpreters import OPTIMISED, run_model
from edgeq.convert.loading import source_ports
from edgeq.convert.metrics import sqnr_db
from edgeq.convert.observers import observer_of
from edgeq.convert.quantization.calibrators import calibrate
from edgeq.convert.quantization.diagnosis import diagnose_ranges
from edgeq.convert.quantization.draft import Draft, Observer
from edgeq.convert.quantization.notes import lost_codebooks
from edgeq.convert.quantization.observation import activations
from edgeq.convert.recipes.export import FLOAT, write_float
from edgeq.convert.recipes.gains import Gauge
from edgeq.convert.recipes.materials import Materials, load_materials
from edgeq.convert.recipes.order import TRAINING
from edgeq.convert.recipes.places import GRAPH_STEPS
from edgeq.convert.recipes.recipe import Recipe, kind_of, parse_recipe, scheme_of
from edgeq.convert.recipes.rehearsal import rehearse
from edgeq.convert.recipes.scopes import idle_scopes
from edgeq.convert.recipes.steps import Calibrate, Equalize, Step
from edgeq.convert.recipes.training import Course, Training, train_steps
from edgeq.convert.road import draft_model, finish, name_tensors, schemes_of
from edgeq.convert.samples import Inputs, joined
from edgeq.convert.training.session import Progress
from edgeq.core.records import StepRecord

QUANTIZED = "quantized.tflite"


class Errand(NamedTuple):
    """What the road was asked for, in the child's folder."""

    source: Path
    recipe: Recipe
    materials: Materials
    folder: Path
    progress: Progress

    @property
    def compared(self) -> Inputs:
        """The samples on which the float .tflite must give what its source gives."""
        return tuple(x[:COMPARED] for x in self.materials.calibration.x)


def run_recipe(job: dict[str, Any], folder: Path, progress: Progress) -> dict[str, Any]:
    """Write float.tflite and quantized.tflite to the folder; return what the steps gave.

    Raises:
        InputError: the source has weights that are not finite, or no Keras layers to train; a
            step refuses the model or its data, or names no layer. A recipe that trains is
            rehearsed: what can be known of these before any training is said before it.
        ToolchainError: a layer cannot have the type asked for.
    """
    recipe = parse_recipe(job["recipe"])
    source = Path(job["source"])
    materials = load_materials(folder, job, source_ports(source))
    errand = Errand(source, recipe, materials, folder, progress)
    training = None
    steps = tuple(step for step in recipe.steps if isinstance(step, TRAINING))
    if steps:
        scheme, kept = scheme_of(recipe.quantize), Path(job["checkpoints"])
        course = Course(steps, errand.materials, scheme, int(job["seed"]), kept, progress)
        progress("rehearsal", None)
        rehearse(errand.source, recipe, course, folder)
        training = train_steps(errand.source, course)
    return _quantize(errand, training)


def _quantize(errand: Errand, training: Training | None) -> dict[str, Any]:
    """Quantise the float model by the graph steps; return the answer for the parent."""
    materials, x = errand.materials, errand.materials.calibration.x
    errand.progress("float model", None)
    trained, notes = (training.trained.model, training.trained.notes) if training else (None, None)
    model, made = write_float(errand.source, errand.folder, x, trained)
    floating = errand.folder / FLOAT
    outputs = run_model(floating, materials.held.x)
    gauge = Gauge(materials.held, outputs[0], materials.metric, materials.layout)
    scheme = scheme_of(errand.recipe.quantize)
    draft = draft_model(floating, scheme, model=model, inputs=x, notes=notes)
    idle = list(idle_scopes(errand.recipe, draft))
    if idle and training is None:
        raise idle[0].error
    steps = _graph_steps(errand.recipe, {scope.place for scope in idle})
    workshop = Workshop(observer_of(x), gauge, errand)
    draft, records = workshop.run(draft, steps)
    quantized = workshop.outputs(draft, QUANTIZED)
    final = gauge.record("quantize", outputs[0], quantized[0], 0.0)
    earlier = training.steps if training else ()
    return {
        **compare_with_source(made, run_model(floating, errand.compared, kernels=OPTIMISED)),
        "sqnr_db": sqnr_db(joined(outputs), joined(quantized)),
        "metric": gauge.metric,
        "steps": msgspec.to_builtins((*earlier, *records, final)),
        "warnings": (
            *(f"{scope.error.cause} It was passed over." for scope in idle),
            *(f"layer {name}: its few values were lost" for name in lost_codebooks(draft)),
            *diagnose_ranges(workshop.complete(draft)),
        ),
        "layers": name_tensors(draft),
    }


def _graph_steps(recipe: Recipe, idle: Collection[int]) -> list[Step]:
    """Return the steps on the graph before `quantize`, but for those at the places `idle`.

    Training may leave layers whole that it could have factored: what names their factors alone
    was right to ask for, and does nothing.
    """
    return [
        step
        for place, step in enumerate(recipe.steps[:-1], 1)
        if not isinstance(step, TRAINING) and place not in idle
    ]


class Workshop(NamedTuple):
    """Where graph steps work on a draft, and what they gain is measured."""

    observe: Observer
    gauge: Gauge
    errand: Errand

    def run(self, draft: Draft, steps: list[Step]) -> tuple[Draft, list[StepRecord]]:
        """Run the steps; return the draft that they left, and what each step gave."""
        records: list[StepRecord] = []
        if not steps:
            return draft, records
        draft = self.watch(draft)
        before = self.outputs(draft)
        for step in steps:
            self.errand.progress(kind_of(step), None)
            began = time.monotonic()
            made = self.watch(self.take(draft, step))
            seconds = time.monotonic() - began
            after = self.outputs(made)
            record = self.gauge.record(kind_of(step), before[0], after[0], seconds)
            if helps(step, record):
                draft, before = made, after
            else:
                record = msgspec.structs.replace(record, kept=False)
            records.append(record)
        return draft, records

    def take(self, draft: Draft, step: Step) -> Draft:
        """Return the draft behind one step; those behind the calibration see every range."""
        ready = isinstance(step, Calibrate | Equalize)
        made: Draft = GRAPH_STEPS[kind_of(step)].load()(
            draft if ready else self.complete(draft), self.observe, step
        )
        return made

    def watch(self, draft: Draft) -> Draft:
        """Return the draft with statistics: they serve all steps until one changes the graph."""
        return replace(draft, observed=self.complete(draft).observed)

    def complete(self, draft: Draft) -> Draft:
        """Return the draft with min-max ranges where no step chose any."""
        if all(scheme.mode != "static" for scheme in schemes_of(draft.scheme)):
            return draft
        if set(activations(draft.graph)) <= draft.ranges.keys():
            return draft
        chosen = [s for s in self.errand.recipe.steps if isinstance(s, Calibrate)]
        like = chosen[0] if chosen else Calibrate()  # statistics are gathered once for all of them
        params = Calibrate(samples=like.samples, momentum=like.momentum)
        filled = calibrate(draft, self.observe, params)
        return replace(filled, ranges={**filled.ranges, **draft.ranges})

    def outputs(self, draft: Draft, name: str = "measured.tflite") -> Inputs:
        """Write what the draft becomes to a file; return its outputs on the held samples."""
        path = self.errand.folder / name
        path.write_bytes(finish(self.complete(draft)))
        return run_model(path, self.errand.materials.held.x)


def helps(step: Step, record: StepRecord) -> bool:
    """Whether what a step did stays: by its `keep`, and the SQNR of the held samples' outputs."""
    if getattr(step, "keep", "always") == "always":
        return True
    return (record.sqnr_db or 0.0) >= (record.before_db or 0.0)
