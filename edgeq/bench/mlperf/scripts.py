"""Test scripts: what a run does, from a YAML file of the public runner or from the task's table.

A script is a list of steps: `download [INDEX]`, `infer [N [WARMUPS]]`, `reset SECONDS`, `stream`,
and `loop [COUNT]` with steps of its own; without a count it goes over all files of the dataset.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeq.bench.mlperf.datasets import LABELS
from edgeq.bench.mlperf.tasks import ALIASES, TASKS, Task
from edgeq.bench.mlperf.windows import WINDOWS
from edgeq.bench.mlperf.yaml_files import Fields, check_fields, read_yaml, reject
from edgeq.core.errors import InputError
from edgeq.core.records.mlperf import MlperfMode

MAX_COUNT = 1_000_000_000
MAX_DEPTH = 4


@dataclass(frozen=True, slots=True)
class Download:
    """Load a file of the dataset: the one at `index`, or the next."""

    index: int | None = None


@dataclass(frozen=True, slots=True)
class Infer:
    """Run `inferences` after `warmups`."""

    inferences: int = 1
    warmups: int = 0


@dataclass(frozen=True, slots=True)
class Watchdog:
    """Everything up to the next one of these must end within `seconds`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Stream:
    """Play a recording to the board and collect what it detects."""


@dataclass(frozen=True, slots=True)
class Loop:
    """Repeat `steps` `count` times; None for once each file (and window) of the dataset."""

    steps: tuple[Step, ...]
    count: int | None = None


Step = Download | Infer | Watchdog | Stream | Loop


@dataclass(frozen=True, slots=True)
class Script:
    """What a run does. `model` names the folder of the dataset, `truth_file` its labels."""

    name: str
    model: str
    truth_file: str
    steps: tuple[Step, ...]

    def flat(self) -> Iterator[Step]:
        """Yield every step, those of loops included, once."""
        yield from _flatten(self.steps)


def default_script(task: Task, mode: MlperfMode, inferences: int | None = None) -> Script:
    """Return the task's own script.

    Args:
        inferences: of a window, where it is not the table's.
    """
    counts = {"performance": task.performance, "energy": task.energy, "accuracy": (1, 0)}
    n, warmups = counts[mode]
    loop = Loop(
        (Download(), Infer(inferences or n, warmups)), None if mode == "accuracy" else WINDOWS
    )
    return Script(task.title, task.dataset, LABELS, (loop,))


def read_scripts(path: Path) -> dict[str, Script]:
    """Return the scripts of a YAML file by the model that each is for.

    Raises:
        InputError: it is no such file; the field is named.
    """
    found = read_yaml(path, "test script")
    if not isinstance(found, dict) or not found:
        reject(path, "it holds no scripts by model")
    return {str(model): _parse_script(path, str(model), value) for model, value in found.items()}


def find_script(path: Path, task: Task) -> Script:
    """Return the script for `task` from a YAML file.

    Raises:
        InputError: it has none for it.
    """
    scripts = read_scripts(path)
    names = [task.id, *(alias for alias, name in ALIASES.items() if name == task.id)]
    for name in names:
        if name in scripts:
            return scripts[name]
    raise InputError(
        f"{path} has no script for {task.id}, only for {', '.join(sorted(scripts))}",
        hint="choose the task with --task, or add its script",
    )


FIELDS: Fields = {"name": (str,), "model": (str,), "truth_file": (str,), "script": (list,)}


def _parse_script(path: Path, model: str, value: Any) -> Script:
    where = f"the script of '{model}'"
    fields = check_fields(path, where, value, FIELDS, ("model", "truth_file", "script"))
    if fields["model"] not in (*TASKS, *ALIASES):
        reject(path, f"{where}: model is {fields['model']!r}, no task of MLPerf Tiny")
    steps = _parse_steps(path, where, fields["script"], 1)
    if not any(isinstance(s, Infer | Stream) for s in _flatten(steps)):
        reject(path, f"{where} has neither 'infer' nor 'stream'")
    return Script(fields.get("name", model), fields["model"], fields["truth_file"], steps)


def _parse_steps(path: Path, where: str, steps: Any, depth: int) -> tuple[Step, ...]:
    if not isinstance(steps, list) or not steps:
        reject(path, f"{where} has no steps")
    if depth > MAX_DEPTH:
        reject(path, f"{where} nests loops more than {MAX_DEPTH} deep")
    return tuple(_parse_step(path, where, step, depth) for step in steps)


def _parse_step(path: Path, where: str, step: Any, depth: int) -> Step:
    inner: Any = None
    if isinstance(step, dict) and len(step) == 1:
        step, inner = next(iter(step.items()))
    words = step.split() if isinstance(step, str) else []
    if not words:
        reject(path, f"{where} has a step that is no command: {step!r}")
    verb, *numbers = words
    if verb == "loop":
        count = _numbers(path, step, numbers, 1)
        return Loop(_parse_steps(path, where, inner, depth + 1), *map(int, count))
    if inner is not None or verb not in STEPS:
        reject(path, f"{where} has an unknown step {step!r}; known are loop, {', '.join(STEPS)}")
    most, make = STEPS[verb]
    return make(_numbers(path, step, numbers, most))


def _numbers(path: Path, step: str, words: list[str], most: int) -> list[float]:
    try:
        values = [float(word) for word in words]
    except ValueError:
        reject(path, f"step {step!r}: its arguments are no numbers")
    bounded = all(0 <= value <= MAX_COUNT for value in values)
    counts = bounded and (step.startswith("reset") or all(v == int(v) for v in values))
    if len(values) > most or not counts:
        reject(path, f"step {step!r}: it takes at most {most} counts up to {MAX_COUNT:,}")
    if step.startswith(("infer", "loop", "reset")) and values and values[0] == 0:
        reject(path, f"step {step!r} does nothing")
    if step.startswith("reset") and not values:
        reject(path, "step 'reset' has no seconds")
    return values


STEPS: Mapping[str, tuple[int, Callable[[list[float]], Step]]] = {
    "download": (1, lambda values: Download(*map(int, values))),
    "infer": (2, lambda values: Infer(*map(int, values))),
    "reset": (1, lambda values: Watchdog(*values)),
    "stream": (0, lambda values: Stream()),
}


def _flatten(steps: tuple[Step, ...]) -> Iterator[Step]:
    for step in steps:
        yield step
        if isinstance(step, Loop):
            yield from _flatten(step.steps)
