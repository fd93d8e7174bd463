"""Ratings: who likes which item, after latent factors."""

from __future__ import annotations

import numpy as np

from edgeq.core.errors import InputError
from edgeq.data.generators.made import Made, number_ids

USERS, ITEMS, FACTORS = 200, 150, 3
CERTAINTY = 3.0  # of a like, in logits for each unit of taste


def make_ratings(samples: int, seed: int) -> Made:
    """Return pairs of different (user, item), each id int32 (N, 1), and likes (N,) of 0 or 1.

    Users and items have normal factors and biases; a like is drawn with the probability
    1 / (1 + exp(-3 (u v / sqrt 3 + 0.5 (a + b)))), so that no model can know all of them.
    """
    if samples > USERS * ITEMS:
        raise InputError(
            f"{samples:,} ratings of {USERS} users and {ITEMS} items",
            hint=f"reader.samples is at most {USERS * ITEMS:,}",
        )
    random = np.random.RandomState(seed)
    user_factors, item_factors = random.randn(USERS, FACTORS), random.randn(ITEMS, FACTORS)
    biases = 0.5 * np.add.outer(random.randn(USERS), random.randn(ITEMS))
    taste = user_factors @ item_factors.T / np.sqrt(FACTORS) + biases
    pairs = random.permutation(USERS * ITEMS)[:samples]
    chances = 1 / (1 + np.exp(-CERTAINTY * taste.reshape(-1)[pairs]))
    likes = (random.random_sample(samples) < chances).astype(np.int64)
    users, items = np.divmod(pairs.astype(np.int32), np.int32(ITEMS))
    return Made((users[:, None], items[:, None]), likes, number_ids("pair", samples))
