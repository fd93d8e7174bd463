"""What no quantisation takes: each command ends with its code, a cause, a hint and no file."""

from __future__ import annotations

import errno
import os
import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from edgeq.convert import child
from tests.convert.recipes.conftest import blobs, write_data
from tests.support.quantization import Workplace, run_here, write_models, write_recipe

pytestmark = [
    pytest.mark.convert,
    pytest.mark.filterwarnings("ignore"),  # TensorFlow's and Keras' own
    pytest.mark.skipif(find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
]

COMMANDS = {
    "convert": ("convert", "--out", ">o.tflite"),
    "int4": ("convert", "--out", ">o.tflite", "--scheme", "int4"),
    "recipe": ("convert", "--out", ">o.tflite", "--recipe", "int8"),
    "training": ("convert", "--out", ">o.tflite", "--recipe", "@fine-tune.toml"),
    "qat": ("convert", "--out", ">o.tflite", "--recipe", "@qat.toml"),
    "calibrate-compare": ("calibrate-compare",),
    "sensitivity": ("sensitivity",),
}
ALL = tuple(name for name in COMMANDS if name != "int4")
JUDGING = ("recipe", "training", "calibrate-compare", "sensitivity")
ON_GRAPHS = ("convert", "int4", "recipe", "calibrate-compare", "sensitivity")

# What is wrong: the model, the data, the code, words of the cause, the commands that meet it.
MODELS = {
    "weights of NaN": ("nan", 3, "layer conv/kernel holds NaN", ALL),
    "weights of infinity": ("inf", 3, "layer conv/kernel holds NaN or infinity", ALL),
    "a Lambda layer": ("lambda", 3, "a Lambda layer (mine)", ALL),
    "a layer of the author's": (
        "custom",
        3,
        "the class Odd of the module tests.support.quantization (odd)",
        ALL,
    ),
    "an operator without a rule": ("unruled", 4, "layer grow (EXP) cannot have", ON_GRAPHS),
    "a layer that training cannot imitate": ("unruled", 3, "layer grow (Activation)", ("qat",)),
    "an operator that LiteRT has not": ("unknown", 4, "FFT2D", ON_GRAPHS),
    "an operator that training cannot imitate": (
        "unknown",
        3,
        "fft2 (FFT2)",
        ("qat",),
    ),
    "more inputs than the data": ("two", 3, "has 2 inputs (user, age)", ALL),
}
DATA = {
    "samples of another shape": ("wide", 3, "the dataset's are (9, 9, 1)", ALL),
    "negative labels": ("negative", 3, "labels go from -1 to 1", JUDGING),
    "labels beyond the classes": ("beyond", 3, "labels go from 5 to 7", JUDGING),
    "judging labels beyond the classes": ("unseen", 3, "labels go from", ("calibrate-compare",)),
    "two labels a sample": ("pairs", 3, "labels have 2 values a sample", JUDGING),
    "targets of another size": ("targets", 3, "labels have 1 values a sample", JUDGING),
    "no samples": ("empty", 3, "split representative holds no sample", ALL),
    "nothing to judge": ("unjudged", 3, "split evaluation holds no sample", ALL),
    "fewer labels than samples": ("fewer", 3, "different numbers of samples", ALL),
    "samples of NaN": ("nan", 3, "sample x_calibration-0: it holds NaN", ALL),
    "words for samples": ("words", 3, "not of plain numbers", ALL),
    "half a file": ("half", 3, "not a readable .npz", ALL),
    "no file": ("none", 3, "No such file", ALL),
}
RECIPES = {
    "no TOML": ('name = "t', 3, "Unterminated string"),
    "an unknown step": ('name = "t"\n[[steps]]\nkind = "magic"', 3, "step 1 (magic)"),
    "an unknown key": ('name = "t"\n[[steps]]\nkind = "prune"\nspars = 1', 3, "field `spars`"),
    "an endless expression": (
        'name = "t"\n[[steps]]\nkind = "prune"\nlayers = "(a+)+$"', 3, "layers: it repeats a group"
    ),
    "no quantize": ('name = "t"\n[[steps]]\nkind = "prune"', 3, "0 quantize steps"),
    "a layer that is not there": (
        'name = "t"\n[[steps]]\nkind = "prune"\nlayers = "cnv"\n[[steps]]\nkind = "quantize"',
        3, "step 1 (prune): no layer with weights matches 'cnv'. Did you mean conv",
    ),
    "types for a layer that is not there": (
        'name = "t"\n[[steps]]\nkind = "quantize"\n'
        'scopes = [{ layers = "hed", scheme = "int4" }]',
        3, "step 1 (quantize): scopes[0].layers: no layer matches 'hed'. Did you mean head",
    ),
    "ranges for floats": (
        'name = "t"\n[[steps]]\nkind = "calibrate"\n[[steps]]\nkind = "quantize"\n'
        'scheme = "dynamic"',
        3, "step 1 (calibrate) chooses ranges of integers",
    ),
    "few values beside int4": (
        'name = "t"\n[[steps]]\nkind = "ternary"\n[[steps]]\nkind = "quantize"\n'
        'scheme = "int4"',
        4, "cannot have the weights fixed for it as int4",
    ),
}  # fmt: skip
LINES = {
    "an unknown scheme": (("--scheme", "int3"), 2, "unknown scheme 'int3'"),
    "an unknown recipe": (("--recipe", "int9"), 3, "no recipe 'int9'"),
    "no recipe file": (("--recipe", "@away.toml"), 3, "No such file"),
    "two sayings": (("--recipe", "int8", "--scheme", "int4"), 2, "a recipe says the scheme"),
    "half a layer's scheme": (("--per-layer", "conv"), 2, "is not LAYERS=SCHEME"),
    "an endless expression": (("--per-layer", "(a+)+$=int4"), 2, "it repeats a group"),
    "a layer that is not there": (("--per-layer", "cnv=int4"), 3, "no layer has the name 'cnv'"),
}


def pairs(table: dict[str, tuple[str, int, str, tuple[str, ...]]]) -> list[object]:
    return [
        pytest.param(command, name, code, words, id=f"{what}-{command}")
        for what, (name, code, words, commands) in table.items()
        for command in commands
    ]


CASES = {"model": MODELS, "data": DATA, "recipe": RECIPES, "line": LINES}
PAGE = Path(__file__).parents[2] / "docs" / "quantization.md"
ROW = re.compile(r"^\| ([23456]) \| (model|data|recipe|line) \| (.+) \|$", re.MULTILINE)


def test_the_page_lists_these_errors_with_their_codes() -> None:
    shown = {
        (about, what, int(code))
        for code, about, many in ROW.findall(PAGE.read_text())
        for what in many.split("; ")
    }
    assert shown == {(a, what, row[1]) for a, rows in CASES.items() for what, row in rows.items()}


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with models, data and recipes, good ones and others."""
    folder = tmp_path_factory.mktemp("given")
    write_models(folder)
    for kind in ("fine-tune", "qat"):
        write_recipe(folder, kind)
    (x, y), (_, judged) = blobs(96, 1), blobs(60, 2)
    wide = np.arange(40.0, dtype=np.float32).reshape(-1, 1, 1, 1) + np.zeros((1, 9, 9, 1), "f4")
    changes = {
        "good": {},
        "wide": {"x_calibration": wide, "y_calibration": np.zeros(40, int),
                 "x_evaluation": wide + 99, "y_evaluation": np.zeros(40, int)},
        "negative": {"y_calibration": y - 1, "y_evaluation": judged - 1},
        "beyond": {"y_calibration": y + 5, "y_evaluation": judged + 5},
        "unseen": {"y_evaluation": judged + 5},
        "pairs": {"y_calibration": np.stack([y, y], 1), "y_evaluation": np.stack([judged] * 2, 1)},
        "targets": {"y_calibration": y + 0.5, "y_evaluation": judged + 0.5},
        "empty": {"x_calibration": x[:0], "y_calibration": y[:0]},
        "unjudged": {"x_evaluation": x[:0], "y_evaluation": y[:0]},
        "fewer": {"y_calibration": y[:-1]},
        "nan": {"x_calibration": np.full_like(x, np.nan)},
        "words": {"x_calibration": np.array(["a"] * 96)},
        "constant": {"x_calibration": np.full_like(x, 0.5)},
    }  # fmt: skip
    for name, arrays in changes.items():
        write_data(folder / f"{name}.npz", **arrays)
    (folder / "half.npz").write_bytes((folder / "good.npz").read_bytes()[:500])
    return folder


@pytest.fixture
def place(
    given: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Workplace:
    """Return the workplace; the child's tasks run in this process."""
    monkeypatch.setattr(child, "run", run_here)
    return Workplace(given, tmp_path, capsys)


def line(command: str, model: str, data: str) -> tuple[str, ...]:
    verb, *more = COMMANDS[command]
    return (verb, f"@{model}.keras", "--data", f"@{data}.npz", *more)


@pytest.mark.parametrize(("command", "model", "code", "words"), pairs(MODELS))
def test_a_model_that_is_not_taken(
    place: Workplace, command: str, model: str, code: int, words: str
) -> None:
    assert words in place.refused(code, *line(command, model, "good"))


@pytest.mark.parametrize(("command", "data", "code", "words"), pairs(DATA))
def test_data_that_are_not_taken(
    place: Workplace, command: str, data: str, code: int, words: str
) -> None:
    assert words in place.refused(code, *line(command, "good", data))


@pytest.mark.parametrize("what", RECIPES)
def test_a_recipe_that_is_not_taken(place: Workplace, tmp_path: Path, what: str) -> None:
    text, code, words = RECIPES[what]
    recipe = tmp_path.with_suffix(".toml")
    recipe.write_text(text)
    out = ("--out", ">o.tflite", "--recipe", str(recipe))
    assert words in place.refused(code, "convert", "@good.keras", "--data", "@good.npz", *out)


@pytest.mark.parametrize("what", LINES)
def test_a_line_that_is_not_taken(place: Workplace, what: str) -> None:
    more, code, words = LINES[what]
    assert words in place.refused(code, *line("convert", "good", "good"), *more)


@pytest.mark.parametrize("command", ["convert", "training"])
def test_constant_samples_convert_with_a_warning(place: Workplace, command: str) -> None:
    code, words = place.call(*line(command, "good", "constant"), "--format", "json")
    assert (code, "o.tflite" in place.left()) == (0, True), words


def test_labels_and_outputs_that_nothing_can_be_told_of_are_not_judged(place: Workplace) -> None:
    code, words = place.call(*line("convert", "good", "beyond"))
    assert code == 0, words  # plain calibration reads no labels
    made = ("o.tflite", "o_float.tflite")
    judge = ("evaluate", ">o.tflite", "--data")
    assert "labels go from 5 to 7" in place.refused(3, *judge, "@beyond.npz", left=made)
    reference = (*judge, "@good.npz", "--reference", "@nan.keras")
    assert "nan.keras gives NaN or infinity" in place.refused(3, *reference, left=made)


# --- the files -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "failing"), [(c, n) for c, files in (("convert", 2), ("recipe", 3))
                             for n in range(files)]
)  # fmt: skip
def test_a_full_disk_leaves_what_was_there(
    place: Workplace, command: str, failing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = {name: name.encode() for name in ("o.tflite", "o_float.tflite", "o.edgeq.json")}
    for name, data in old.items():
        (place.out / name).write_bytes(data)
    synced: list[int] = []

    def sync(handle: int) -> None:
        synced.append(handle)
        if len(synced) > failing:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", sync)
    cause = place.refused(2, *line(command, "good", "good"), left=tuple(old))
    assert "No space left on device" in cause
    assert {name: (place.out / name).read_bytes() for name in old} == old


@pytest.mark.parametrize("command", ["convert", "recipe", "training", "example"])
@pytest.mark.parametrize("where", ["folder", "file/o.tflite", "n" * 256])
def test_an_output_that_cannot_be_written_is_said_before_any_work(
    place: Workplace, command: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "run", None)  # no child is started
    (place.out / "folder").mkdir()
    (place.out / "file").write_bytes(b"")
    words = (
        line(command, "good", "good") if command in COMMANDS else ("examples", "train", "digits")
    )
    out = (*words, "--out", str(place.out / where))
    assert "cannot write" in place.refused(2, *out, left=("file", "folder"))


def test_an_example_that_is_not_there(place: Workplace) -> None:
    words = ("examples", "train", "digts", "--out", ">o.keras")
    assert "no example 'digts'" in place.refused(2, *words)


# --- interruptions -------------------------------------------------------------------------------


def test_an_interrupted_training_goes_on_with_the_same_line(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_recipe(place.out, "fine-tune", epochs=6)
    words = ("convert", "@good.keras", "--data", "@good.npz", "--recipe", ">fine-tune.toml")

    def interrupt(argv: list[str], **_: object) -> object:
        def on_line(text: str) -> None:
            if list(place.out.glob("*.checkpoints-*/*/*/state.npz")):
                raise KeyboardInterrupt

        return run_here(argv, on_line=on_line)

    monkeypatch.setattr("edgeq.convert.training.loop.REPORT_S", 0.0)
    assert place.call(*words, "--out", ">whole.tflite")[0] == 0
    whole = {path.name: path.read_bytes() for path in place.out.glob("whole*.tflite")}
    with monkeypatch.context() as patch:
        patch.setattr(child, "run", interrupt)
        code, said = place.call(*words, "--out", ">o.tflite")
    (kept,) = place.out.glob("o*")
    assert code == 130
    assert said.splitlines()[-1].startswith(f"interrupted: {kept} keeps the checkpoints")
    assert place.call(*words, "--out", ">o.tflite")[0] == 0
    assert sorted(p.name for p in place.out.glob("o*")) == [
        "o.edgeq.json", "o.tflite", "o_float.tflite"
    ]  # fmt: skip
    again = {p.name.replace("o", "whole", 1): p.read_bytes() for p in place.out.glob("o*.tflite")}
    assert again == whole
