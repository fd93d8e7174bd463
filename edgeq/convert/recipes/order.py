"""In which order a recipe's steps make sense."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import get_args

from edgeq.convert.quantization.scheme import PORTS, SCHEMES, WEIGHT_BITS, LayerScheme
from edgeq.convert.recipes.steps import (
    Binary,
    Calibrate,
    ClipWeights,
    Cluster,
    CompensateRounding,
    CorrectBiases,
    Distil,
    Equalize,
    LearnRounding,
    LowRank,
    PruneChannels,
    Quantize,
    Step,
    Ternary,
    TrainingStep,
    TrainQuantized,
)

TRAINING: tuple[type, ...] = get_args(TrainingStep)
# What they do to weights is nothing where weights stay float.
ROUNDED = (Cluster, Ternary, Binary, ClipWeights, LearnRounding, CompensateRounding, CorrectBiases)
# Steps of a lower rank come first, and why: what a later one decides would be lost.
STRUCTURE = (PruneChannels, LowRank)
GRAPH_ORDER: tuple[tuple[type, ...], ...] = (
    (Equalize,),
    (Calibrate,),
    (ClipWeights,),
    (LearnRounding, CompensateRounding),
    (CorrectBiases,),
    (Quantize,),
)


def order_problem(steps: Sequence[Step]) -> str | None:
    """Return what is wrong with the order of the steps, None where they make sense."""
    kinds = [str(step.__struct_config__.tag) for step in steps]
    if kinds.count("quantize") != 1:
        return f"it has {kinds.count('quantize')} quantize steps, not one"
    if kinds[-1] != "quantize":
        return f"quantize is step {kinds.index('quantize') + 1}, not the last"
    trained = [isinstance(step, TRAINING) for step in steps]
    for place, (before, after) in enumerate(pairwise(trained), 2):
        if after and not before:
            return (
                f"step {place} ({kinds[place - 1]}) trains behind {kinds[place - 2]}: train first"
            )
    training = [step for step in steps if isinstance(step, TRAINING)]
    graph = [step for step in steps if not isinstance(step, TRAINING)]
    return _training_problem(training) or _graph_problem(graph) or _types_problem(steps)


def _training_problem(steps: Sequence[Step]) -> str | None:
    structure_ends = False
    for place, step in enumerate(steps, 1):
        kind = step.__struct_config__.tag
        if isinstance(step, STRUCTURE) and structure_ends:
            return f"step {place} ({kind}) changes layers whose weights are decided: put it first"
        structure_ends |= not isinstance(step, (*STRUCTURE, Distil)) and kind != "fine-tune"
        if isinstance(step, TrainQuantized) and place < len(steps):
            return f"step {place} (qat) must be the last that trains"
    if sum(isinstance(step, Distil) for step in steps) > 1:
        return "it has two distil steps: one teacher colours every later step"
    return None


def _graph_problem(steps: Sequence[Step]) -> str | None:
    for one, two in pairwise(steps):
        if _rank(two) < _rank(one):
            first, second = one.__struct_config__.tag, two.__struct_config__.tag
            return f"{second} must stand before {first}, whose work it would undo"
    return None


def _rank(step: Step) -> int:
    return next(i for i, kinds in enumerate(GRAPH_ORDER) if isinstance(step, kinds))


def _types_problem(steps: Sequence[Step]) -> str | None:
    last = steps[-1]
    assert isinstance(last, Quantize)
    scheme = SCHEMES[last.scheme]
    for field in ("input_dtype", "output_dtype"):
        fine, asked = PORTS[scheme.activations], getattr(last, field)
        if asked is not None and asked not in fine:
            return f"quantize: {field}: {last.scheme} takes {', '.join(fine)}, not {asked}"
    if scheme.mode != "static" and any(isinstance(s, TrainQuantized) for s in steps):
        return f"qat imitates integers, and the scheme {last.scheme} keeps activations float"
    return _idle_problem(steps, [scheme, *(SCHEMES[scope.scheme] for scope in last.scopes)])


def _idle_problem(steps: Sequence[Step], schemes: Sequence[LayerScheme]) -> str | None:
    """Return which step works on integers that no scheme of the recipe has."""
    static = any(scheme.mode == "static" for scheme in schemes)
    integers = any(scheme.weights in WEIGHT_BITS for scheme in schemes)
    for place, step in enumerate(steps, 1):
        where = f"step {place} ({step.__struct_config__.tag})"
        if isinstance(step, Calibrate) and not static:
            return f"{where} chooses ranges of integers, and quantize keeps activations float"
        if isinstance(step, ROUNDED) and not integers:
            return f"{where} is about integer weights, and quantize keeps weights float"
    return None
