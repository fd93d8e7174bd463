"""Options that several commands share, each said once."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeq.core.defaults import BACKEND

if TYPE_CHECKING:
    from edgeq.core.records import CompileOptions


class Format(str, Enum):
    """How a result is printed: for people, or for programs on stdout alone."""

    text = "text"
    json = "json"
    csv = "csv"


class GoalName(str, Enum):
    """What the compiler favours."""

    balanced = "balanced"
    speed = "speed"
    ram = "ram"
    flash = "flash"


class Backend(str, Enum):
    """The converter that quantises."""

    edgeq = "edgeq"
    tflite = "tflite"
    aeq = "aeq"


DEFAULT_BACKEND = Backend(BACKEND)


class PortType(str, Enum):
    """The type of the model's inputs or outputs."""

    int8 = "int8"
    uint8 = "uint8"
    int16 = "int16"
    float32 = "float32"


class SortKey(str, Enum):
    """What sorts layers by their sensitivity."""

    sqnr = "sqnr"
    accuracy = "accuracy"


class Kernels(str, Enum):
    """LiteRT's kernels: optimised without delegates, or the slower reference ones."""

    optimized = "optimized"
    reference = "reference"


class OracleName(str, Enum):
    """What computes the expected bytes."""

    edgeq = "edgeq"
    tflite_micro = "tflite-micro"


class ExportKind(str, Enum):
    """The build systems that `edgeq export` knows."""

    cmake = "cmake"
    platformio = "platformio"
    arduino = "arduino"
    esp_idf = "esp-idf"
    zephyr = "zephyr"
    cmsis_pack = "cmsis-pack"
    pico_sdk = "pico-sdk"
    folder = "folder"


class EngineName(str, Enum):
    """What runs the model on the board."""

    aot = "aot"
    tflm = "tflm"


class ProtocolName(str, Enum):
    """What a firmware speaks with its host."""

    edgeq = "edgeq"
    mlperf = "mlperf"


class ModeName(str, Enum):
    """How MLPerf Tiny's firmware gives its time stamps."""

    performance = "performance"
    energy = "energy"


Model = Annotated[Path, typer.Argument(help="A model file.", show_default=False)]
Int8Model = Annotated[Path, typer.Argument(help="An int8 .tflite model.", show_default=False)]
TfliteModel = Annotated[Path, typer.Argument(help="A .tflite model.", show_default=False)]
Board = Annotated[
    str, typer.Option("--board", "-b", help="A board id, or the path of a board's TOML file.")
]
Data = Annotated[
    str, typer.Option("--data", "-d", help="A dataset's name, its TOML file, or an .npz file.")
]
OptionalData = Annotated[
    str | None, typer.Option("--data", "-d", help="A dataset's name, its TOML file, or an .npz.")
]
DataRoot = Annotated[
    Path | None, typer.Option(help="Where local datasets lie (or EDGEQ_DATA_DIR).")
]
RecipeName = Annotated[
    str | None,
    typer.Option(
        "--recipe", "-r", help="Quantise by this recipe: a name (edgeq recipes list) or a TOML."
    ),
]
RecipeSeed = Annotated[
    int | None, typer.Option("--seed", min=0, help="Of the recipe's training [default: its own].")
]
OutFolder = Annotated[Path, typer.Option("--out", "-o", help="The folder to write to.")]
OutFile = Annotated[Path | None, typer.Option("--out", "-o", help="The file to write.")]
OutputFormat = Annotated[Format, typer.Option("--format", help="How to print the result.")]
Name = Annotated[str | None, typer.Option(help="The model's C name [default: from the file].")]
Optimize = Annotated[GoalName, typer.Option(help="What the compiler favours.")]
NoPass = Annotated[
    list[str] | None, typer.Option("--no-pass", help="Leave this pass out; may be repeated.")
]
RamBudget = Annotated[
    str | None, typer.Option("--ram", help="RAM for the model, e.g. 32k [default: the board's].")
]
FlashBudget = Annotated[
    str | None, typer.Option("--flash", help="Flash for the model, e.g. 64k [default: all].")
]
Toolchain = Annotated[str | None, typer.Option(help="zig, gcc-arm, gcc or clang.")]
Port = Annotated[str | None, typer.Option(help="Serial port or socket:// address of the board.")]
Oracle = Annotated[OracleName, typer.Option(help="What computes the expected bytes.")]
Meter = Annotated[
    str | None,
    typer.Option(help="Measure energy with this meter, e.g. ppk2:/dev/ttyACM0,voltage=3.0."),
]
Gate = Annotated[
    str,
    typer.Option(help="What bounds a window: a channel (d0), marker, text:BEGIN..END, or auto."),
]
Windows = Annotated[
    int | None, typer.Option(min=1, max=10_000, help="Measured windows [default: 5].")
]
WindowSeconds = Annotated[
    float | None, typer.Option(help="A window lasts at least this [default: 2].")
]
IdleSeconds = Annotated[
    float | None, typer.Option(help="Idle before and after; 0: none [default: 1].")
]
KeepTrace = Annotated[Path | None, typer.Option(help="Keep the meter's recording in this .npz.")]
Battery = Annotated[
    str | None, typer.Option(help="Battery life on this battery, e.g. 230mAh@3V; needs --every.")
]
Every = Annotated[str | None, typer.Option(help="From one inference to the next, e.g. 10s.")]
Awake = Annotated[
    str | None, typer.Option(help="Awake and idle in each period, e.g. 50ms [default: none].")
]
IdleCurrent = Annotated[
    str | None, typer.Option(help="Awake and idle, e.g. 1mA [default: measured, or the profile's].")
]
SleepCurrent = Annotated[
    str | None,
    typer.Option(help="Asleep, e.g. 2uA; idle: never sleeps [default: the profile's]."),
]

Protocol = Annotated[ProtocolName, typer.Option(help="What the firmware speaks with its host.")]
Mode = Annotated[
    ModeName, typer.Option(help="MLPerf Tiny: time stamps as text, or as edges of the gate pin.")
]
MlperfModel = Annotated[
    str | None,
    typer.Option(help="kws01, vww01, ad01 or ic01 [default: by the model's shapes or name]."),
]
MlperfVendor = Annotated[str, typer.Option(help="What MLPerf Tiny's `name` answers.")]


def compile_options(
    goal: GoalName, omitted: list[str] | None, ram: str | None = None, flash: str | None = None
) -> CompileOptions:
    """Return what the flags ask of the compiler."""
    from edgeq.core.records import CompileOptions
    from edgeq.core.units import parse_bytes

    return CompileOptions(
        goal=goal.value,
        omitted_passes=tuple(omitted or ()),
        ram_bytes=None if ram is None else parse_bytes(ram, what="--ram"),
        flash_bytes=None if flash is None else parse_bytes(flash, what="--flash"),
    )
