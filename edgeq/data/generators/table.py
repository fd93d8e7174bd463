"""The generators by name. Each is a function of (number of samples, seed)."""

from __future__ import annotations

from collections.abc import Callable

from edgeq.core.errors import InputError, did_you_mean
from edgeq.data.generators.intents import make_intents
from edgeq.data.generators.made import Made
from edgeq.data.generators.ratings import make_ratings
from edgeq.data.generators.vibration import make_vibration

GENERATORS: dict[str, Callable[[int, int], Made]] = {
    "intents": make_intents,
    "ratings": make_ratings,
    "vibration": make_vibration,
}


def generate(name: str, samples: int, seed: int) -> Made:
    """Return what the generator `name` makes: the same for the same number and seed, everywhere.

    All draw from numpy's RandomState, whose stream is frozen (NEP 19).

    Raises:
        InputError: there is no such generator, or it cannot make so many different samples.
    """
    if name not in GENERATORS:
        raise InputError(
            f"no generator {name!r}.{did_you_mean(name, GENERATORS)}",
            hint=f"reader.generator is one of: {', '.join(GENERATORS)}",
        )
    return GENERATORS[name](samples, seed)
