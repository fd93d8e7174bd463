"""Generated data are the same on every computer and in every run, and are what they say."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from edgeq.core.errors import InputError
from edgeq.data.dataset import load_dataset
from edgeq.data.generators.intents import LENGTH, TEMPLATES, UNKNOWN, tokenize, vocabulary
from edgeq.data.generators.ratings import ITEMS, USERS
from edgeq.data.generators.table import GENERATORS, generate

# The first 16 digits of the SHA-256 over inputs and labels of 64 samples, seed 5.
PINNED = {
    "intents": "aa64285d55bdac25",
    "ratings": "e98d6d8ec11375d9",
    "vibration": "8b6a7a6a96e73fa2",
}


def _digest(name: str) -> str:
    made = generate(name, 64, 5)
    arrays = (*made.inputs, made.y)
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()[:16]


@pytest.mark.parametrize("name", GENERATORS)
def test_a_seed_gives_the_same_bytes_for_ever(name: str) -> None:
    assert _digest(name) == PINNED[name]
    made = generate(name, 64, 6)
    assert made.inputs[0].tobytes() != generate(name, 64, 5).inputs[0].tobytes()
    assert len(set(made.ids)) == len(made.y) == len(made.inputs[0]) == 64


def test_an_unknown_generator_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(InputError, match="Did you mean ratings"):
        generate("rating", 3, 0)


def test_no_generator_promises_more_than_it_can_make() -> None:
    with pytest.raises(InputError, match="30,001 ratings"):
        generate("ratings", USERS * ITEMS + 1, 0)


def test_sentences_are_ids_of_words_padded_at_the_end() -> None:
    places = {word: place for place, word in enumerate(vocabulary())}
    ids = tokenize("Turn the xylophone off", places)
    assert ids.shape == (LENGTH,)
    assert [vocabulary()[i] for i in ids[:4]] == ["turn", "the", "?", "off"]
    assert ids[2] == UNKNOWN
    assert not ids[4:].any()


def test_the_intents_are_labelled_in_the_order_of_their_templates() -> None:
    assert load_dataset("intents").manifest.labels == tuple(TEMPLATES)


def test_no_faulty_machine_trains_or_calibrates() -> None:
    vibration = load_dataset("vibration")
    assert {len(vibration.parts[name].ids) for name in ("train",)} == {1000}
    for name in ("train", "representative"):
        y = vibration.parts[name].y
        assert y is not None
        assert not y.any()
    judged = vibration.parts["evaluation"].y
    assert judged is not None
    assert 0.4 < float(np.mean(judged)) < 0.7


def test_ratings_have_two_inputs_of_whole_numbers() -> None:
    samples = load_dataset("ratings").samples("evaluation", 50)
    assert samples.names == ("user", "item")
    assert [x.shape for x in samples.inputs] == [(50, 1)] * 2
    assert all(x.dtype == np.int32 for x in samples.inputs)
