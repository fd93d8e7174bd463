"""Recipes: strict TOML, errors that name the step and the field, an order that makes sense."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.convert.recipes import steps
from edgeq.convert.recipes.recipe import (
    Recipe,
    find_recipe,
    kind_of,
    list_recipes,
    parse_recipe,
    read_recipe,
    write_recipe,
)
from edgeq.core.errors import InputError

LAST = '[[steps]]\nkind = "quantize"\n'
FLOAT = 'scheme = "float32"\ninput_dtype = "float32"\noutput_dtype = "float32"\n'


def recipe_of(*kinds: str, last: str = LAST) -> str:
    body = "".join(f'[[steps]]\nkind = "{kind}"\n' for kind in kinds)
    return f'name = "mine"\n{body}{last}'


def refusal(text: str) -> str:
    with pytest.raises(InputError) as caught:
        parse_recipe(text, where="recipe r.toml")
    assert caught.value.cause.startswith("recipe r.toml: ")
    assert caught.value.hint
    return caught.value.cause


def test_shipped_recipes_are_named_as_their_files_and_say_what_they_do() -> None:
    names = [written.recipe.name for written in list_recipes()]
    assert {"int8", "int16x8", "int4-recovered", "int4-qat", "ternary", "low-rank"} <= {*names}
    for written in list_recipes():
        assert find_recipe(written.recipe.name) == written
        assert len(written.recipe.about) > 20


def test_shipped_recipes_use_nearly_every_kind_of_step() -> None:
    used = {kind_of(step) for written in list_recipes() for step in written.recipe.steps}
    known = {step.__struct_config__.tag for step in get_args(steps.Step)}
    assert known - used <= {"learn-rounding", "correct-biases", "clip-weights"}


@pytest.mark.parametrize("written", list_recipes(), ids=lambda written: written.recipe.name)
def test_what_is_written_is_read_again(written: Any) -> None:
    assert parse_recipe(write_recipe(written.recipe)) == written.recipe


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = ", "toml"),
        ('name = "mine"\nsteps = []\n', "length"),
        (recipe_of("prune", last=""), "quantize steps"),
        (LAST, "name"),
        ('name = "../x"\n' + LAST, "name"),
        ("schema = 2\n" + recipe_of(), "schema"),
        ("colour = 1\n" + recipe_of(), "colour"),
        (recipe_of("magic"), "step 1 (magic)"),
        (recipe_of() + "bits = 4\n", "step 1 (quantize): Object contains unknown field `bits`"),
        (recipe_of("calibrate", last="percentile = 40.0\n" + LAST), "step 1 (calibrate)"),
        (recipe_of("prune", last="sparsity = 1.0\n" + LAST), "$.sparsity"),
        (recipe_of("prune", last="sparsity = nan\n" + LAST), "step 1 (prune)"),
        (recipe_of("qat", last="schedule = { minutes = inf }\n" + LAST), "$.schedule.minutes"),
        (recipe_of("prune", last='layers = "(a+)+"\n' + LAST), "(prune): layers: it repeats"),
        (recipe_of("distil", last='features = ["a"]\n' + LAST), "features[0]"),
        (recipe_of() + 'scopes = [{ layers = "[", scheme = "int4" }]\n', "scopes[0].layers"),
    ],
)  # fmt: skip
def test_errors_name_the_step_and_the_field(text: str, words: str) -> None:
    assert words.lower() in refusal(text).lower()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (recipe_of("quantize"), "2 quantize steps"),
        (recipe_of("quantize", last='[[steps]]\nkind = "calibrate"\n'), "not the last"),
        (recipe_of("calibrate", "prune"), "train first"),
        (recipe_of("calibrate", "equalize"), "equalize must stand before calibrate"),
        (recipe_of("correct-biases", "learn-rounding"), "learn-rounding must stand before"),
        (recipe_of("qat", "fine-tune"), "qat) must be the last"),
        (recipe_of("ternary", "low-rank"), "low-rank) changes layers"),
        (recipe_of("distil", "distil"), "two distil steps"),
        (recipe_of("qat", last=LAST + FLOAT), "qat imitates"),
        (recipe_of("calibrate", last=LAST + 'scheme = "dynamic"\n'), "step 1 (calibrate) chooses"),
        (recipe_of("cluster", last=LAST + 'scheme = "float16"\n'), "step 1 (cluster) is about"),
        (recipe_of("clip-weights", last=LAST + 'scheme = "float32"\n'), "(clip-weights) is about"),
        (recipe_of(last=LAST + 'scheme = "int16x8"\ninput_dtype = "int8"\n'), "input_dtype"),
    ],
)  # fmt: skip
def test_an_order_that_loses_work_is_refused(text: str, words: str) -> None:
    assert words in refusal(text)


def test_steps_on_integers_may_serve_scopes_alone() -> None:
    scopes = 'scheme = "float32"\nscopes = [{ layers = "head", scheme = "int8" }]\n'
    parse_recipe(recipe_of("cluster", "calibrate", "clip-weights", last=LAST + scopes))


def test_an_unknown_key_is_met_with_the_nearest_one() -> None:
    with pytest.raises(InputError) as caught:
        parse_recipe(recipe_of("prune", last="sparsty = 0.5\n" + LAST))
    assert "sparsity" in caught.value.hint


def test_an_unknown_recipe_is_met_with_the_nearest_one() -> None:
    with pytest.raises(InputError, match="Did you mean ternary"):
        find_recipe("ternery")


def test_large_and_binary_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "large.toml").write_text("#" * (1 << 17))
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    for name, why in (("large", "more than"), ("binary", "UTF-8"), ("none", "cannot read")):
        with pytest.raises(InputError, match=why):
            read_recipe(tmp_path / f"{name}.toml")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
KINDS = sorted(str(step.__struct_config__.tag) for step in get_args(steps.Step))
FIELDS = sorted({f for step in get_args(steps.Step) for f in step.__struct_fields__})
STEPS = st.tuples(
    st.sampled_from([*KINDS, "magic"]), st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=3)
)


def without_none(value: Any) -> Any:
    """Return a value that TOML can hold."""
    if isinstance(value, dict):
        return {str(k): without_none(v) for k, v in value.items() if v is not None}
    return [without_none(v) for v in value if v is not None] if isinstance(value, list) else value


@settings(max_examples=200, deadline=None)
@given(st.lists(STEPS, max_size=4), st.booleans())
def test_any_toml_is_a_recipe_or_an_error_of_ours(
    made: list[tuple[str, dict[str, Any]]], finished: bool
) -> None:
    body = [{**without_none(fields), "kind": kind} for kind, fields in made]
    body += [{"kind": "quantize"}] if finished else []
    try:
        text = tomlkit.dumps({"name": "mine", "steps": body})
    except ValueError:  # integers and characters that TOML lacks
        return
    try:
        recipe = parse_recipe(text)
    except InputError:
        return
    assert msgspec.convert(msgspec.to_builtins(recipe), Recipe) == recipe
    assert parse_recipe(write_recipe(recipe)) == recipe


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_a_recipe_or_an_error_of_ours(text: str) -> None:
    with pytest.raises(InputError):
        parse_recipe(text)
