"""The plan of a sweep: its cells, and the work they share, each under a key of its content.

A key is the SHA-256 of everything that the work depends on: edgeq's version, the model's bytes,
the board's profile, the options that the action reads. Equal keys are one piece of work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice, product
from pathlib import Path
from typing import Any

import msgspec

from edgeq import __version__
from edgeq.boards.profile import Board
from edgeq.core.errors import InputError
from edgeq.core.files import sha256_hex
from edgeq.sweep.manifest import Action, Attachment, Manifest, Options, Scheme, read_sweep
from edgeq.sweep.records import Converted, Job, JobKind
from edgeq.sweep.selection import choose_boards, is_excluded, with_stack
from edgeq.sweep.sources import Source, load_sources

MAX_CELLS = 20_000
NO_SCHEME = "-"
# What each action reads of the options, beside the firmware (toolchain, optimize) and the board
# (stack).
READS: dict[Action, tuple[str, ...]] = {
    "estimate": ("optimize",),
    "fit": ("optimize",),
    "bench": ("input", "runs", "warmup", "layers", "oracle"),
    "validate": ("oracle", "seeds"),
}
# A Linux board's interpreter runs the model itself: there is no firmware.
INTERPRETER_READS = ("input", "runs", "warmup", "layers", "threads", "xnnpack")
ON_BOARD: tuple[Action, ...] = ("bench", "validate")


@dataclass(frozen=True, slots=True)
class Task:
    """One piece of work: its job, without the products of `converted` and `firmware`.

    `lane`: tasks of one lane never run at once, for they share a board. `alone`: nothing else runs
    at the same time, for it measures the computer that works.
    """

    key: str
    job: Job
    converted: str | None = None
    firmware: str | None = None
    lane: str | None = None
    alone: bool = False

    @property
    def kind(self) -> JobKind:
        """What kind of work it is."""
        return self.job.kind

    @property
    def needs(self) -> tuple[str, ...]:
        """The keys of the work that comes before."""
        return tuple(key for key in (self.converted, self.firmware) if key is not None)


@dataclass(frozen=True, slots=True)
class Cell:
    """A combination, by its names, and the key of its task."""

    model: str
    scheme: str | None
    board: str
    options: str
    key: str


@dataclass(frozen=True, slots=True)
class SweepPlan:
    """Cells in the manifest's order, and every task by its key, each after what it needs."""

    manifest: Manifest
    cells: tuple[Cell, ...]
    tasks: Mapping[str, Task]
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Draft:
    """A plan in work."""

    manifest: Manifest
    tasks: dict[str, Task] = field(default_factory=dict)
    used: set[int] = field(default_factory=set)

    def add(self, task: Task) -> str:
        self.tasks.setdefault(task.key, task)
        return task.key

    def excludes(self, names: tuple[str, str, str, str]) -> bool:
        hits = [i for i, rule in enumerate(self.manifest.exclude) if is_excluded(rule, names)]
        self.used.update(hits)
        return bool(hits)


def plan_sweep(path: Path) -> SweepPlan:
    """Read the manifest at `path`, its models and data, and expand it.

    Raises:
        InputError: the manifest, a board, a model's file or a dataset is wrong or missing.
    """
    from edgeq.bench.inputs import parse_input

    manifest = read_sweep(path)
    for options in manifest.options:
        parse_input(options.input)
    boards = choose_boards(manifest, path.parent)
    _check_attached(manifest, boards)
    draft = _Draft(manifest)
    cells: list[Cell] = []
    for source in load_sources(manifest, path.parent):
        cells += islice(_expand(draft, source, boards), MAX_CELLS + 1 - len(cells))
        if len(cells) > MAX_CELLS:
            raise InputError(
                f"sweep {path}: more than {MAX_CELLS:,} cells", hint="divide it into several"
            )
    if not cells:
        raise InputError(f"sweep {path}: every cell is excluded", hint="loosen [[exclude]]")
    idle = set(range(len(manifest.exclude))) - draft.used
    notes = tuple(f"the exclude rule {i + 1} matches no cell" for i in sorted(idle))
    return SweepPlan(manifest, tuple(cells), draft.tasks, notes)


def _check_attached(manifest: Manifest, boards: tuple[Board, ...]) -> None:
    from edgeq.bench.requests import meter_driver
    from edgeq.device.meters.table import find_meter
    from edgeq.device.ports import check_port
    from edgeq.device.ssh import parse_target

    for board_id, place in manifest.attached.items():
        if board_id not in {b.id for b in boards}:
            raise InputError(
                f"sweep {manifest.name}: attached names {board_id!r}, which is none of its boards",
                hint="use the board's id",
            )
        if place.port is not None:
            check_port(place.port)
        if place.host is not None:
            parse_target(place.host)
        if place.meter is not None:
            find_meter(meter_driver(place.meter))


def _expand(draft: _Draft, source: Source, boards: tuple[Board, ...]) -> Iterator[Cell]:
    """Yield the cells of a model; their tasks go into the draft."""
    schemes: tuple[Scheme | None, ...] = source.schemes or (None,)
    for scheme in schemes:
        name = scheme.name if scheme else None
        conversion = _convert_task(draft.manifest, source, scheme) if scheme else None
        for board, options in product(boards, draft.manifest.options):
            if draft.excludes((source.name, name or NO_SCHEME, board.id, options.name)):
                continue
            key = _add_cell(draft, source, conversion, with_stack(board, options), options)
            yield Cell(source.name, name, board.id, options.name, key)


def _add_cell(
    draft: _Draft, source: Source, conversion: Task | None, board: Board, options: Options
) -> str:
    """Put the task of a cell, and what comes before it, into the draft; return its key."""
    from edgeq.bench.linux.options import runs_interpreter

    action, attached = draft.manifest.action, draft.manifest.attached.get(board.id, Attachment())
    converted = draft.add(conversion) if conversion else None
    model = converted or source.sha256
    samples = source.evaluation(options.samples) if action == "validate" else None
    job = Job(
        kind=action,
        version=__version__,
        limits=draft.manifest.limits,
        model=b"" if converted else source.files[source.file],
        samples=samples,
        board=board,
        options=options,
        attached=attached,
    )
    on_board = action in ON_BOARD
    interpreted = action == "bench" and runs_interpreter(board)
    built = on_board and not interpreted
    firmware = draft.add(_build_task(job, model, converted)) if built else None
    reads = INTERPRETER_READS if interpreted else READS[action]
    content: dict[str, Any] = {name: getattr(options, name) for name in reads}
    content["samples"] = samples.sha256 if samples else None
    content["meter"] = _meter_content(attached) if action == "bench" else None
    key = content_key(action, model=model, board=board, firmware=firmware, options=content)
    lane = _lane(board, attached) if on_board else None
    alone = action == "bench" and board.core.arch == "native"
    return draft.add(Task(key, job, converted, firmware, lane, alone))


def _meter_content(attached: Attachment) -> tuple[str, str] | None:
    """Return which meter measures and what gates it; where it is plugged in makes no difference."""
    from edgeq.bench.requests import meter_driver

    meter = attached.meter
    return (meter_driver(meter), attached.gate) if meter else None


def _lane(board: Board, attached: Attachment) -> str | None:
    """Return what there is one of: None where each piece of work starts a board of its own."""
    from edgeq.device.connection import runs_as_process

    shared = attached.meter is not None or not runs_as_process(board, attached.port)
    return board.id if shared else None


def _convert_task(manifest: Manifest, source: Source, scheme: Scheme) -> Task:
    from edgeq.convert.recipes.schedules import calibration_samples

    written = source.recipes.get(scheme.name)
    samples = source.representative(
        calibration_samples(written.recipe) if written else scheme.samples
    )
    job = Job(
        kind="convert",
        version=__version__,
        limits=manifest.limits,
        source_name=source.file,
        source=source.files,
        scheme=scheme,
        recipe=written.text if written else "",
        samples=samples,
    )
    types = (scheme.backend, scheme.input_dtype, scheme.output_dtype)
    settings = ("recipe", written.sha256) if written else types
    content = {"source": source.sha256, "settings": settings, "samples": samples.sha256}
    return Task(content_key("convert", **content), job)


def _build_task(cell: Job, model: str, converted: str | None) -> Task:
    job = msgspec.structs.replace(cell, kind="build", samples=None, attached=Attachment())
    key = content_key(
        "build",
        model=model,
        board=cell.board,
        toolchain=cell.options.toolchain,
        optimize=cell.options.optimize,
    )
    return Task(key, job, converted)


def content_key(kind: JobKind, **content: Any) -> str:
    """Return the key of a piece of work: 64 hex digits, equal for equal content alone."""
    whole = {"edgeq": __version__, "kind": kind, **content}
    return sha256_hex(msgspec.json.encode(whole, order="sorted"))


def complete_job(task: Task, find: Callable[[str], bytes | None]) -> Job:
    """Return the job of a task with the products of what came before, as `find` gives them.

    Raises:
        InputError: a product is gone, or was changed.
    """
    products = {key: product for key in task.needs if (product := find(key)) is not None}
    if lost := set(task.needs) - products.keys():
        raise InputError(
            f"product {min(lost)} of the sweep was damaged while it ran", hint="resume the sweep"
        )
    job = task.job
    if task.converted is not None:
        model = msgspec.msgpack.decode(products[task.converted], type=Converted).model
        job = msgspec.structs.replace(job, model=model)
    if task.firmware is not None:
        job = msgspec.structs.replace(job, firmware=products[task.firmware])
    return job
