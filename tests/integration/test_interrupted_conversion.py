"""Signals and limits at real processes: the documented code, no file, and the same bytes later."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.convert.recipes.conftest import write_data
from tests.support.quantization import write_models, write_recipe

pytestmark = [
    pytest.mark.convert,
    pytest.mark.filterwarnings("ignore"),  # TensorFlow's and Keras' own
    pytest.mark.skipif(find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
    pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX"),
]

EPOCHS = 60
CONVERT = ("convert", "good.keras", "--data", "good.npz", "--out", "out/o.tflite")
TRAIN = (*CONVERT, "--recipe", "fine-tune.toml")


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a model, data and a recipe."""
    folder = tmp_path_factory.mktemp("given")
    write_models(folder)
    write_data(folder / "good.npz")
    write_recipe(folder, "fine-tune", EPOCHS)
    return folder


@pytest.fixture
def out(given: Path) -> Path:
    """Return the folder of what is made, empty."""
    place = given / "out"
    if place.exists():
        place.rename(given / f"old-{time.monotonic_ns()}")
    place.mkdir()
    return place


def start(given: Path, *line: str) -> subprocess.Popen[str]:
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-m", "edgeq", *line], cwd=given, text=True, **pipes)


def finish(given: Path, *line: str) -> bytes:
    process = start(given, *line)
    said = process.communicate()[1]
    assert process.returncode == 0, said
    return (given / line[line.index("--out") + 1]).read_bytes()


def stop(process: subprocess.Popen[str], sign: int, ready: Callable[[str], bool]) -> str:
    """Send the signal once a line of stderr is `ready`; return what was said after it."""
    assert process.stderr is not None
    for line in process.stderr:
        if ready(line):
            break
    process.send_signal(sign)
    return process.communicate(timeout=60)[1]


@pytest.mark.parametrize(
    "line",
    [
        CONVERT,
        ("calibrate-compare", *CONVERT[1:4]),
        ("sensitivity", *CONVERT[1:4]),
        pytest.param(
            ("examples", "train", "digits", "--out", "out/o.keras"), marks=pytest.mark.slow
        ),
    ],
    ids=["convert", "calibrate-compare", "sensitivity", "examples"],
)
def test_ctrl_c_leaves_with_130_and_no_file(given: Path, out: Path, line: tuple[str, ...]) -> None:
    process = start(given, *line)
    said = stop(process, signal.SIGINT, lambda text: "float model" in text or "train" in text)
    assert process.returncode == 130
    assert said.splitlines()[-1] == "interrupted"
    assert list(out.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_a_training_that_is_stopped_goes_on_to_the_same_bytes(
    given: Path, out: Path, sign: signal.Signals
) -> None:
    whole = finish(given, *TRAIN)
    for path in out.iterdir():
        path.unlink()
    process = start(given, *TRAIN)
    said = stop(process, sign, lambda text: any(out.glob("*.checkpoints-*/*/*/state.npz")))
    (kept,) = out.iterdir()
    assert kept.name.startswith("o.checkpoints-")
    if sign == signal.SIGINT:
        assert process.returncode == 130
        assert f"interrupted: out/{kept.name} keeps the checkpoints" in said
    assert finish(given, *TRAIN) == whole
    assert sorted(p.name for p in out.iterdir()) == ["o.edgeq.json", "o.tflite", "o_float.tflite"]


@pytest.mark.parametrize("command", ["convert", "recipe", "calibrate-compare"])
@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_too_little_memory_is_named(given: Path, out: Path, command: str) -> None:
    lines = {"convert": CONVERT, "recipe": TRAIN, "calibrate-compare": (command, *CONVERT[1:4])}
    process = start(given, *lines[command], "--memory", "0.6")
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 4, said
    assert "ran out of its 614 MiB" in said
    assert "hint: give it more memory (--memory)" in said
    assert list(out.iterdir()) == []


@pytest.mark.parametrize(
    ("model", "code", "words"),
    [
        ("lambda", 3, "a Lambda layer (mine)"),
        pytest.param("nan", 3, "layer conv/kernel holds NaN", marks=pytest.mark.slow),
        pytest.param("unruled", 4, "layer grow (EXP)", marks=pytest.mark.slow),
    ],
)
def test_a_search_ends_with_what_plain_int8_meets(
    given: Path, out: Path, model: str, code: int, words: str
) -> None:
    pytest.importorskip("optuna")
    line = ("tune", f"{model}.keras", "--data", "good.npz", "--board", "virt-m4", "--out", "out/t")
    process = start(given, *line, "--trials", "1")
    said = process.communicate(timeout=240)[1]
    assert process.returncode == code, said
    assert words in said
    assert not list(out.rglob("*.tflite"))
