"""What a recipe that trains cannot come to is said before it trains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq.convert.recipes.conversion import convert_by_recipe
from edgeq.convert.recipes.recipe import read_text
from edgeq.convert.training import loop
from edgeq.core.errors import EdgeqError, InputError, ToolchainError
from edgeq.core.records import ConversionRecord
from edgeq.data.dataset import Dataset
from edgeq.graph.reader import read_model

pytestmark = [
    pytest.mark.convert,
    pytest.mark.usefixtures("here"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning:keras"),
]

FINE_TUNE = 'kind = "fine-tune"\nschedule = { epochs = 1, batch = 16 }'


def steps(*tables: str, last: str = "") -> str:
    """Return a recipe's TOML of these steps and a `quantize` with the keys `last`."""
    parts = (*tables, f'kind = "quantize"\n{last}')
    return 'name = "t"\n' + "".join(f"[[steps]]\n{part}\n" for part in parts)


def step(kind: str, **fields: Any) -> str:
    """Return a step's TOML; a step that trains takes an epoch."""
    lines = [f'kind = "{kind}"', *(f"{key} = {value!r}" for key, value in fields.items())]
    trains = kind in ("prune", "prune-channels", "low-rank", "cluster", "ternary", "qat", "distil")
    return "\n".join([*lines, *(["schedule = { epochs = 1, batch = 16 }"] if trains else [])])


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the steps of which an epoch ran."""
    found: list[str] = []
    advance = loop._Run.advance

    def spy(self: Any, hooks: Any) -> None:
        found.append(self.name)
        advance(self, hooks)

    monkeypatch.setattr(loop._Run, "advance", spy)
    return found


@pytest.fixture(scope="session")
def odd(folder: Path) -> Path:
    """Return a model with a layer that has no integers and one that has none of four bits."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(5)
    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2DTranspose(2, 3, name="wider")(inputs)
    x = layers.Activation("exponential", name="grow")(layers.Conv2D(2, 3, name="conv")(x))
    model = keras.Model(inputs, layers.Dense(3, name="head")(layers.Flatten()(x)))
    model.save(folder / "odd.keras")
    return folder / "odd.keras"


def refusal(source: Path, data: Dataset, out: Path, text: str) -> EdgeqError:
    """Return the error of a conversion that leaves neither a file nor a checkpoint."""
    with pytest.raises(EdgeqError) as caught:
        convert_by_recipe(source, out, dataset=data, recipe=read_text(text))
    assert not list(out.parent.iterdir())
    return caught.value


UNQUANTISABLE = {
    "an operator without integers": (steps(FINE_TUNE), "layer grow (EXP) cannot have int8"),
    "a type that a layer has not": (
        steps(FINE_TUNE, last="scopes = [{ layers = 'wider', scheme = 'int4' }]"),
        "layer wider (TRANSPOSE_CONV) cannot have int4 weights",
    ),
}


@pytest.mark.parametrize("what", UNQUANTISABLE)
def test_types_that_a_layer_cannot_have_are_refused_before_training(
    what: str, odd: Path, data: Dataset, tmp_path: Path, trained: list[str]
) -> None:
    text, words = UNQUANTISABLE[what]
    error = refusal(odd, data, tmp_path / "out.tflite", text)
    assert isinstance(error, ToolchainError)
    assert words in error.cause
    assert not trained


UNTRAINABLE = {
    "few values in four bits": (
        steps(FINE_TUNE, step("ternary"), last="scheme = 'int4'"),
        "cannot have the weights fixed for it as int4",
    ),
    "a share of weights out of reach": (
        steps(FINE_TUNE, step("low-rank", weights=0.01)),
        "weights are left at rank 1",
    ),
    "a share of operations out of reach": (
        steps(FINE_TUNE, step("prune-channels", macs=0.001)),
        "MACs are left",
    ),
    "a feature of no layer": (
        steps(FINE_TUNE, step("distil", features=["hed=head"])),
        "the model has no layer 'hed'",
    ),
}


@pytest.mark.parametrize("what", UNTRAINABLE)
def test_steps_that_cannot_do_their_work_are_refused_before_others_train(
    what: str, model: Path, data: Dataset, tmp_path: Path, trained: list[str]
) -> None:
    text, words = UNTRAINABLE[what]
    assert words in refusal(model, data, tmp_path / "out.tflite", text).cause
    assert not trained


def test_a_layer_without_imitation_is_refused_before_others_train(
    odd: Path, data: Dataset, tmp_path: Path, trained: list[str]
) -> None:
    text = steps(FINE_TUNE, step("qat"))
    assert "layer grow" in refusal(odd, data, tmp_path / "out.tflite", text).cause
    assert not trained


# --- scopes --------------------------------------------------------------------------------------

ON_GRAPH = ("calibrate", "equalize", "clip-weights", "learn-rounding", "correct-biases")
IN_TRAINING = ("prune", "prune-channels", "low-rank", "cluster", "ternary", "qat")


@pytest.mark.parametrize("kind", [*ON_GRAPH, *IN_TRAINING])
def test_a_scope_of_no_layer_is_refused_before_training(
    kind: str, model: Path, data: Dataset, tmp_path: Path, trained: list[str]
) -> None:
    text = steps(FINE_TUNE, step(kind, layers="hed"))
    error = refusal(model, data, tmp_path / "out.tflite", text)
    assert isinstance(error, InputError)
    assert error.cause.startswith(f"step 2 ({kind}): no ")
    assert "matches 'hed'. Did you mean head" in error.cause
    assert "head" in error.hint
    assert not trained


@pytest.mark.parametrize("before", [(), (FINE_TUNE,)])
def test_a_scope_of_types_for_no_layer_is_refused(
    before: tuple[str, ...], model: Path, data: Dataset, tmp_path: Path, trained: list[str]
) -> None:
    text = steps(*before, last="scopes = [{ layers = 'depthwize', scheme = 'int16x8' }]")
    error = refusal(model, data, tmp_path / "out.tflite", text)
    where = f"step {len(before) + 1} (quantize): scopes[0].layers"
    assert f"{where}: no layer matches 'depthwize'. Did you mean depthwise" in error.cause
    assert not trained


@pytest.mark.parametrize("kind", ON_GRAPH)
def test_without_training_too(kind: str, model: Path, data: Dataset, tmp_path: Path) -> None:
    text = steps(step(kind, layers="hed"))
    error = refusal(model, data, tmp_path / "out.tflite", text)
    assert error.cause.startswith(f"step 1 ({kind}): no ")
    assert "Did you mean head" in error.cause


def convert(source: Path, data: Dataset, out: Path, text: str) -> ConversionRecord:
    return convert_by_recipe(source, out, dataset=data, recipe=read_text(text))


def test_scopes_may_name_layers_that_an_earlier_step_makes(
    model: Path, data: Dataset, tmp_path: Path
) -> None:
    text = steps(
        step("low-rank", weights=0.9, layers="head"),
        step("ternary", layers="head_factor"),
        step("calibrate", layers="head_factor"),
        last="scopes = [{ layers = 'head_factor', scheme = 'int8-per-tensor' }]",
    )
    record = convert(model, data, tmp_path / "out.tflite", text)
    assert not [words for words in record.warnings if "matches" in words]
    with pytest.raises(InputError, match="no layer with weights matches 'head_factor'"):
        convert(model, data, tmp_path / "b.tflite", steps(step("ternary", layers="head_factor")))


def test_a_scope_of_factors_that_did_not_come_warns_behind_training(
    model: Path, data: Dataset, tmp_path: Path, trained: list[str]
) -> None:
    text = steps(
        step("low-rank", weights=0.97),
        step("calibrate", layers="conv_core", method="mse"),
        last="scopes = [{ layers = 'conv_core', scheme = 'int16x8' }]",
    )
    record = convert(model, data, tmp_path / "out.tflite", text)
    assert trained == ["low-rank"]
    passed = [words for words in record.warnings if "It was passed over." in words]
    assert [words[:18] for words in passed] == ["step 2 (calibrate)", "step 3 (quantize):"]
    assert record.recipe is not None
    assert [s.kind for s in record.recipe.steps] == ["low-rank", "quantize"]


# --- what it leaves ------------------------------------------------------------------------------


def test_a_rehearsal_changes_nothing_of_what_comes(
    model: Path, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgeq.convert.recipes import road

    text = steps(step("prune", sparsity=0.3), step("cluster", values=4), step("qat"))
    convert(model, data, tmp_path / "a.tflite", text)
    monkeypatch.setattr(road, "rehearse", lambda *_: None)
    convert(model, data, tmp_path / "b.tflite", text)
    mine, other = (read_model(tmp_path / f"{name}.tflite") for name in "ab")
    for a, b in zip(mine.tensors, other.tensors, strict=True):
        assert a.quantization == b.quantization
        assert a.data is None or np.array_equal(a.data, b.data)
