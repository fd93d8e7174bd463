"""Candidates as recipes."""

from __future__ import annotations

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from edgeq.convert.recipes.recipe import parse_recipe, write_recipe
from edgeq.convert.recipes.steps import CalibrationMethod, Schedule
from edgeq.tuning.candidates import (
    LADDER,
    PLAIN,
    Activations,
    Candidate,
    Codebook,
    Recovery,
    Structure,
    describe,
    make_recipe,
)
from edgeq.tuning.layers import Layers

LAYERS = Layers(("dense", "conv2d", "sep.conv"), ("conv2d", "sep.conv"))

candidates = st.builds(
    Candidate,
    structure=st.sampled_from(get_args(Structure)),
    codebook=st.sampled_from(get_args(Codebook)),
    narrow=st.integers(0, 3),
    activations=st.sampled_from(get_args(Activations)),
    calibration=st.sampled_from(get_args(CalibrationMethod)),
    recovery=st.sampled_from(get_args(Recovery)),
    trained=st.booleans(),
)


@given(candidates)
def test_every_candidate_is_a_recipe_that_reads_back_as_it_was_written(
    candidate: Candidate,
) -> None:
    recipe = make_recipe(candidate, LAYERS, schedule=Schedule(epochs=3))
    assert parse_recipe(write_recipe(recipe)) == recipe


@given(candidates, candidates)
def test_two_candidates_are_called_alike_only_if_they_are_alike(
    one: Candidate, two: Candidate
) -> None:
    assert (describe(one) == describe(two)) == (one == two)


def test_the_ladder_begins_with_plain_int8_and_repeats_nothing() -> None:
    assert LADDER[0] == PLAIN
    assert len(set(LADDER)) == len(LADDER)


def test_only_inner_layers_get_codebooks_and_only_the_least_sensitive_int4() -> None:
    clustered = make_recipe(Candidate(codebook="clustered"), LAYERS, schedule=Schedule())
    assert '"conv2d|sep\\\\.conv"' in write_recipe(clustered)
    narrow = make_recipe(Candidate(narrow=2), LAYERS, schedule=Schedule())
    assert [scope.layers for scope in narrow.quantize.scopes] == ["dense", "conv2d"]


def test_a_model_without_inner_layers_gets_no_codebook() -> None:
    recipe = make_recipe(Candidate(codebook="ternary"), Layers(("d",), ()), schedule=Schedule())
    assert [type(step).__name__ for step in recipe.steps] == ["Calibrate", "Quantize"]
