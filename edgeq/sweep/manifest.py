"""The manifest of a sweep: one TOML file, decoded strictly. docs/sweep.md explains every key."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from edgeq.core.defaults import BACKEND
from edgeq.core.errors import InputError, did_you_mean
from edgeq.core.files import read_bytes
from edgeq.core.records import CompileOptions, Goal, Record

MAX_BYTES = 1 << 20
NAME = r"\A[A-Za-z0-9][A-Za-z0-9_.+-]{0,47}\Z"

Action = Literal["estimate", "fit", "bench", "validate"]
Name = Annotated[str, Meta(pattern=NAME)]
Text = Annotated[str, Meta(min_length=1, max_length=1024)]
PortType = Literal["int8", "uint8", "float32"]
Positive = Annotated[int, Meta(ge=1, le=100_000)]
Natural = Annotated[int, Meta(ge=0, le=100_000)]


class ModelEntry(Record, frozen=True, kw_only=True):
    """A model. `path` is relative to the manifest; `data` calibrates it, and validates it.

    A Keras model or a SavedModel is quantised by each of `schemes` (all of the manifest's where
    none is named); a .tflite is taken as it is unless `schemes` names some.
    """

    path: Text
    name: Name = ""
    data: str = ""
    schemes: tuple[Name, ...] = ()


class Scheme(Record, frozen=True, kw_only=True):
    """How a float model is quantised: what `edgeq convert` takes.

    `recipe` (a name, or a file relative to the manifest) says it all itself; none that trains.
    """

    name: Name
    backend: Literal["edgeq", "tflite", "aeq"] = BACKEND
    input_dtype: PortType = "int8"
    output_dtype: PortType = "int8"
    samples: Positive = 500
    recipe: str = ""


class Options(Record, frozen=True, kw_only=True):
    """A named set of settings. What an action does not read does not make its cells differ.

    `stack_bytes` replaces the board's; `samples` of the model's data and `seeds` validate.
    """

    name: Name
    toolchain: Literal["zig", "gcc-arm", "gcc-riscv", "gcc", "clang"] | None = None
    stack_bytes: Annotated[int, Meta(ge=256, le=1 << 24)] | None = None
    optimize: Goal = "balanced"
    input: str = "lcg:1"
    runs: Positive = 10
    warmup: Natural = 1
    layers: bool = False
    oracle: Literal["edgeq", "tflite-micro"] = "edgeq"
    threads: Annotated[int, Meta(ge=1, le=256)] = 1
    xnnpack: bool = True
    samples: Natural = 100
    seeds: Positive = 8

    @property
    def compiling(self) -> CompileOptions:
        """What the compiler is asked for."""
        return CompileOptions(goal=self.optimize)


class Exclusion(Record, frozen=True, kw_only=True):
    """Cells to leave out: those that match all of the patterns that are given."""

    model: str = "*"
    scheme: str = "*"
    board: str = "*"
    options: str = "*"


class Attachment(Record, frozen=True, kw_only=True):
    """Where a real board is: its port or, for a Linux board, its host; its meter, and the gate."""

    port: Text | None = None
    host: Text | None = None
    meter: Text | None = None
    gate: Text = "auto"


class Limits(Record, frozen=True, kw_only=True):
    """What one piece of work may take. They do not make cells differ."""

    seconds: Annotated[float, Meta(gt=0, le=86_400)] = 900.0
    memory_gib: Annotated[float, Meta(ge=1, le=1024)] = 16.0


class Manifest(Record, frozen=True, kw_only=True):
    """A sweep. `boards` are ids, patterns, profiles (.toml) and names of `aliases`.

    `attached` says how real boards are reached, by board id.
    """

    schema: Literal[1] = 1
    name: Name
    action: Action = "bench"
    models: Annotated[tuple[ModelEntry, ...], Meta(min_length=1)]
    schemes: Annotated[tuple[Scheme, ...], Meta(min_length=1)] = (Scheme(name="int8"),)
    boards: Annotated[tuple[Text, ...], Meta(min_length=1)]
    aliases: dict[str, tuple[Text, ...]] = msgspec.field(default_factory=dict)
    options: Annotated[tuple[Options, ...], Meta(min_length=1)] = (Options(name="default"),)
    exclude: tuple[Exclusion, ...] = ()
    attached: dict[str, Attachment] = msgspec.field(default_factory=dict)
    limits: Limits = Limits()


RECORDS = (Manifest, ModelEntry, Scheme, Options, Exclusion, Attachment, Limits)
UNKNOWN = re.compile(r"unknown field `([^`]{1,100})`")


def read_sweep(path: Path) -> Manifest:
    """Read the manifest at `path`.

    Raises:
        InputError: not TOML, an unknown key, a wrong value, a name twice; the cause names it.
    """
    data = read_bytes(path, what="sweep", limit=MAX_BYTES)
    try:
        manifest = msgspec.toml.decode(data, type=Manifest)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InputError(f"sweep {path}: {error}", hint=_hint(str(error))) from error
    _check(manifest, path)
    return manifest


def model_name(entry: ModelEntry) -> str:
    """Return the name of a model: its own, or its file's without the suffix."""
    return entry.name or Path(entry.path).stem


def _hint(message: str) -> str:
    usual = "docs/sweep.md has an example with every key"
    found = UNKNOWN.search(message)
    if found is None:
        return usual
    keys = {key for record in RECORDS for key in record.__struct_fields__}
    return f"{did_you_mean(found[1], sorted(keys))} {usual}"


def _check(manifest: Manifest, path: Path) -> None:
    """Refuse names that stand twice, that are none, and schemes that are not there."""
    lists = {
        "models": [model_name(entry) for entry in manifest.models],
        "schemes": [scheme.name for scheme in manifest.schemes],
        "options": [options.name for options in manifest.options],
    }
    for field, names in lists.items():
        if twice := sorted({n for n in names if names.count(n) > 1}):
            raise InputError(
                f"sweep {path}: {field} has the name {twice[0]!r} twice", hint="give each its own"
            )
    for name in lists["models"]:
        if not re.match(NAME, name):
            raise InputError(
                f"sweep {path}: the model's name {name!r} is not allowed",
                hint="give it a name of letters, digits and _ . + -",
            )
    for entry in manifest.models:
        for name in entry.schemes:
            if name not in lists["schemes"]:
                near = did_you_mean(name, lists["schemes"])
                raise InputError(
                    f"sweep {path}: model {model_name(entry)} wants the scheme {name!r}.{near}",
                    hint=f"the schemes are: {', '.join(lists['schemes']) or 'none'}",
                )
