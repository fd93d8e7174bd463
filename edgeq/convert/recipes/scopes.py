"""Child side: whether the expressions of a recipe's steps on the graph name any layer."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from edgeq.convert.patterns import unmatched
from edgeq.convert.quantization.assembly import layer_name
from edgeq.convert.quantization.draft import Draft
from edgeq.convert.quantization.observation import owners
from edgeq.convert.quantization.products import products_of
from edgeq.convert.recipes.order import TRAINING
from edgeq.convert.recipes.recipe import Recipe, kind_of, patterns_of
from edgeq.convert.recipes.steps import ALL
from edgeq.core.errors import InputError


class Taking(NamedTuple):
    """What a kind of step takes: words for it, and the names in a draft."""

    what: str
    names: Callable[[Draft], Iterable[str]]


def _layers(draft: Draft) -> Iterable[str]:
    return (layer_name(draft, node) for node in draft.graph.nodes if node.outputs)


LAYERS = Taking("layer", _layers)
ACTIVATIONS = Taking("layer", lambda draft: owners(draft).values())
WEIGHTS = Taking("layer with weights", lambda draft: (p.name for p in products_of(draft)))
TAKING: Mapping[str, Taking] = {
    "calibrate": ACTIVATIONS,
    "equalize": LAYERS,
    "quantize": LAYERS,
    **dict.fromkeys(
        ("clip-weights", "learn-rounding", "compensate-rounding", "correct-biases"), WEIGHTS
    ),
}


class Idle(NamedTuple):
    """An expression that names nothing: the place of its step, from 1, and the error."""

    place: int
    error: InputError


def idle_scopes(recipe: Recipe, draft: Draft, known: Collection[str] = ()) -> Iterator[Idle]:
    """Yield the expressions of the steps on the graph that match no layer of a draft, in order.

    Args:
        known: further names that count as layers.
    """
    for place, step in enumerate(recipe.steps, 1):
        if isinstance(step, TRAINING):
            continue
        kind = kind_of(step)
        names = list(dict.fromkeys((*TAKING[kind].names(draft), *known)))
        for field, pattern in patterns_of(step).items():
            if pattern != ALL and not any(re.fullmatch(pattern, name) for name in names):
                where = f"step {place} ({kind})" + (f": {field}" if field != "layers" else "")
                yield Idle(place, unmatched(where, TAKING[kind].what, pattern, names))
