"""The command line of quantisation with the child's tasks in this process, and what it is given.

TensorFlow starts once for many commands; job, answer and files are those of a real child.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq.cli.app import run
from edgeq.core.processes import Completed

TRAIN = """name = "t"
[[steps]]
kind = "{kind}"
schedule = {{ epochs = {epochs}, batch = 16 }}
[[steps]]
kind = "quantize"
"""


class _Lines(io.TextIOBase):
    """What a child prints, line by line."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line

    def write(self, text: str) -> int:
        for line in text.splitlines():
            self._on_line(line)
        return len(text)


def run_here(argv: list[str], *, on_line: Callable[[str], None], **_: Any) -> Completed:
    """Do what `edgeq.core.processes.run` does for a worker, in this process."""
    from edgeq.convert import worker

    with contextlib.redirect_stdout(_Lines(on_line)):
        worker.main(Path(argv[-1]))
    return Completed(0, "", "")


class Workplace:
    """A folder with models and data; `call` runs a command line that writes into `out`."""

    def __init__(self, given: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.given, self.out, self._capsys = given, out, capsys

    def call(self, *line: str) -> tuple[int, str]:
        """Return the exit code and stderr; '@NAME' is a file that is given, '>NAME' one made."""
        places = {"@": self.given, ">": self.out}
        code = run([str(places[w[0]] / w[1:]) if w[:1] in places else w for w in line])
        return code, self._capsys.readouterr().err

    def refused(self, code: int, *line: str, left: tuple[str, ...] = ()) -> str:
        """Return the cause of a command line that ends with `code`, and leaves only `left`."""
        found, words = self.call(*line)
        *_, cause, hint = ["", "", *words.splitlines()]
        assert (found, cause[:7], hint[:6]) == (code, "error: ", "hint: "), words
        assert len(hint) > 10
        assert self.left() == sorted(left)
        return cause[7:]

    def left(self) -> list[str]:
        """Return the names of all files in the folder of what is made."""
        return sorted(os.listdir(self.out))


def write_recipe(folder: Path, kind: str, epochs: int = 1) -> None:
    """Write KIND.toml, a recipe that trains and quantises."""
    (folder / f"{kind}.toml").write_text(TRAIN.format(kind=kind, epochs=epochs))


def write_models(folder: Path) -> None:
    """Write small Keras models, good ones and such as no conversion takes."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(3)

    class Odd(layers.Layer):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return 2 * x

    def save(name: str, middle: Any = None) -> Any:
        x = inputs = keras.Input((8, 8, 1))
        x = layers.ReLU()(layers.Conv2D(4, 3, name="conv")(x))
        x = layers.Flatten()(x if middle is None else middle(x))
        model = keras.Model(inputs, layers.Dense(3, activation="softmax", name="head")(x))
        model.save(folder / f"{name}.keras")
        return model

    good = save("good")
    for name, value in (("nan", np.nan), ("inf", np.inf)):
        kernel, bias = good.get_layer("conv").get_weights()
        kernel[0, 0, 0, 0] = value
        broken = keras.models.clone_model(good)
        broken.get_layer("conv").set_weights([kernel, bias])
        broken.save(folder / f"{name}.keras")
    save("lambda", layers.Lambda(lambda x: 2 * x, name="mine"))
    save("custom", Odd(name="odd"))
    save("unruled", layers.Activation("exponential", name="grow"))
    save("unknown", lambda x: keras.ops.fft2((x, x))[0])
    user, age = keras.Input((1,), dtype="int32", name="user"), keras.Input((3,), name="age")
    row = layers.Flatten()(layers.Embedding(20, 4)(user))
    outputs = layers.Dense(3, activation="softmax")(layers.Concatenate()([row, age]))
    keras.Model([user, age], outputs).save(folder / "two.keras")
