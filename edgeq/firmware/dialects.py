"""Dialects: what a firmware speaks with its host, and the files and numbers that make it speak.

Each protocol is a folder below firmware_templates/protocols/, and a row of `DIALECTS` here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from edgeq.boards.profile import Board
from edgeq.core.errors import UsageError
from edgeq.core.records import EDGEQ, Plan, PortRecord, ProtocolRecord

PROTOCOLS = "protocols"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a firmware speaks.

    `drivers` names a file of each folder of the protocol; `names` are for its templates; `baud`
    is the speed of the link, 0 for the board's own; a `pulsed` gate is an open-drain output that
    rests high. A dialect that `counts` needs long divisions and floats, whose code is not the
    model's.
    """

    protocol: str
    mode: str = ""
    baud: int = 0
    pulsed: bool = False
    counts: bool = False
    drivers: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, Any] = field(default_factory=dict)


class Task(NamedTuple):
    """A model of MLPerf Tiny: the type of its input file's elements, and how it is told.

    `inputs` and `outputs` are the elements of the reference model, by which it is known;
    `result` is a file of protocols/mlperf/result/.
    """

    element: str
    inputs: int
    outputs: int
    result: str


# github.com/mlcommons/tiny, benchmark/reference_submissions: th_load_tensor and th_results.
TASKS: Mapping[str, Task] = {
    "ic01": Task("uint8", 32 * 32 * 3, 10, "scores"),
    "vww01": Task("uint8", 96 * 96 * 3, 2, "scores"),
    "kws01": Task("int8", 49 * 10, 12, "scores"),
    "ad01": Task("float32", 5 * 128, 5 * 128, "error"),
}
# How the elements of the input file become the model's: files of protocols/mlperf/input/.
LOADERS: Mapping[tuple[str, str], str] = {
    ("uint8", "int8"): "centred",
    ("uint8", "uint8"): "copied",
    ("int8", "int8"): "copied",
    ("float32", "int8"): "quantised",
    ("float32", "float32"): "copied",
}
C_TYPES = {"int8": "int8_t", "uint8": "uint8_t", "float32": "float"}
ELEMENT_BYTES = {"int8": 1, "uint8": 1, "float32": 4}
STREAMING = ("strww01", "sww01")
ENERGY_BAUD = 9600
# The reference's buffer; where it leaves less than this free, the buffer holds one input.
BUFFER_BYTES, SPARED_BYTES = 96 * 96 * 3, 8 << 10
_VENDOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}\Z")
_NAMED = re.compile(r"(?:^|[_-])(kws|vww|ad|ic)(?:01)?(?=$|[_-])")


def find_dialect(protocol: ProtocolRecord, plan: Plan, board: Board, *, traced: bool) -> Dialect:
    """Return how a firmware of `plan` for `board` speaks `protocol`.

    Raises:
        UsageError: the protocol does not go with the model, the board, or tracing.
    """
    if traced and protocol.name != "edgeq":
        raise UsageError(
            f"the protocol {protocol.name} does not report layers", hint="leave out --traced"
        )
    return DIALECTS[protocol.name](protocol, plan, board)


def _speak_edgeq(protocol: ProtocolRecord, plan: Plan, board: Board) -> Dialect:
    if protocol != EDGEQ:
        raise UsageError(
            "--mode, --mlperf-model and --mlperf-vendor are MLPerf Tiny's",
            hint="add --protocol mlperf",
        )
    return Dialect("edgeq")


def _speak_mlperf(protocol: ProtocolRecord, plan: Plan, board: Board) -> Dialect:
    energy = protocol.mode == "energy"
    if energy and board.kind == "mcu" and board.gate is None:
        raise UsageError(
            f"board {board.id} has no pin for the time stamps of energy mode",
            hint="name a free one in [gate] of its profile, and `edgeq boards check` it",
        )
    if not _VENDOR.match(protocol.vendor):
        raise UsageError(
            f"--mlperf-vendor: {protocol.vendor[:40]!r}",
            hint="up to 40 letters, digits, spaces, dots, hyphens and underscores",
        )
    name = find_task(plan, protocol.model)
    source, target = _only_ports(plan)
    loader = LOADERS.get((TASKS[name].element, source.dtype))
    if loader is None or target.dtype not in C_TYPES:
        raise UsageError(
            f"{name} has no {source.dtype} input and {target.dtype} output",
            hint=f"convert the model with --input-dtype int8; {name} gives {TASKS[name].element}",
        )
    names = {
        "task": name,
        "vendor": protocol.vendor,
        "energy": energy,
        **_numbers(plan, board, TASKS[name], source, target),
    }
    return Dialect(
        "mlperf",
        mode=protocol.mode,
        baud=ENERGY_BAUD if energy else 0,
        pulsed=energy,
        counts=True,
        drivers={"input": loader, "result": TASKS[name].result},
        names=names,
    )


DIALECTS: Mapping[str, Callable[[ProtocolRecord, Plan, Board], Dialect]] = {
    "edgeq": _speak_edgeq,
    "mlperf": _speak_mlperf,
}


def find_task(plan: Plan, name: str | None) -> str:
    """Return which model of MLPerf Tiny `plan` is: `name`, or by its shapes, or by its own name.

    Raises:
        UsageError: no such model, or none that can be told.
    """
    if name in STREAMING:
        raise UsageError(
            f"edgeq has no firmware for {name}: it listens to a microphone and finds the features"
            " on the board",
            hint=f"choose one of: {', '.join(TASKS)}",
        )
    if name is not None and name not in TASKS:
        raise UsageError(f"no MLPerf Tiny model {name!r}", hint=f"one of: {', '.join(TASKS)}")
    if name is not None:
        return name
    source, target = _only_ports(plan)
    sizes = _elements(source), _elements(target)
    for task, row in TASKS.items():
        if sizes == (row.inputs, row.outputs):
            return task
    if named := _NAMED.search(plan.name.lower()):
        return f"{named[1]}01"
    raise UsageError(
        f"{plan.name} with {sizes[0]} inputs and {sizes[1]} outputs is no model of MLPerf Tiny",
        hint=f"say which one it stands for: --mlperf-model {'|'.join(TASKS)}",
    )


def _only_ports(plan: Plan) -> tuple[PortRecord, PortRecord]:
    if len(plan.inputs) != 1 or len(plan.outputs) != 1:
        raise UsageError(
            f"MLPerf Tiny's protocol knows one input and one output, {plan.name} has"
            f" {len(plan.inputs)} and {len(plan.outputs)}",
            hint="build it with --protocol edgeq",
        )
    return plan.inputs[0], plan.outputs[0]


def _elements(port: PortRecord) -> int:
    return port.bytes // ELEMENT_BYTES.get(port.dtype, 1)


def _numbers(
    plan: Plan, board: Board, task: Task, source: PortRecord, target: PortRecord
) -> dict[str, Any]:
    """Return the sizes and scales that the templates name."""
    wanted = _elements(source) * ELEMENT_BYTES[task.element]
    if task.result == "error" and _elements(source) != _elements(target):
        raise UsageError(
            f"{plan.name} gives {_elements(target)} values for {_elements(source)}: it cannot be"
            " compared with its input",
            hint="ad01 is an autoencoder; choose another --mlperf-model",
        )
    return {
        "input_bytes": wanted,
        "input_elements": _elements(source),
        "buffer_bytes": max(wanted, _buffer_bytes(plan, board, wanted)),
        "input_scale": _literal(source.scale),
        "input_zero_point": source.zero_point or 0,
        "output_type": C_TYPES[target.dtype],
        "output_elements": _elements(target),
        "output_scale": _literal(target.scale),
        "output_zero_point": target.zero_point or 0,
    }


def _buffer_bytes(plan: Plan, board: Board, wanted: int) -> int:
    """Return the reference's size of the buffer where the board's RAM has room for it."""
    if not board.memory:
        return BUFFER_BYTES
    taken = board.build.stack_bytes + plan.arena_bytes + SPARED_BYTES
    free = board.region(board.build.data_region).size - taken
    return BUFFER_BYTES if free >= BUFFER_BYTES else wanted


def _literal(scale: float | None) -> str:
    """Return a float32 as a C literal; nine digits tell it from every other."""
    return f"{1.0 if scale is None else scale:.9e}f"
