"""MLPerf Tiny: run a mode against a board, and apply a submission's rules to a folder."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgeq.api.catalog import find_board
from edgeq.api.common import Progress, quiet, refuse_port

if TYPE_CHECKING:
    from edgeq.bench.mlperf.connections import Way
    from edgeq.bench.mlperf.runs import RunSettings
    from edgeq.boards.profile import Board
    from edgeq.core.records import FirmwareImage
    from edgeq.core.records.mlperf import MlperfMode, MlperfRecord, SubmissionCheck


@dataclass(frozen=True, slots=True)
class MlperfRequest:
    """What to run.

    With a model and a board edgeq builds the firmware, flashes it or starts the virtual board;
    with a port or an IO manager alone it drives whatever speaks the protocol there.

    `out` is the folder of a system in a submission: OUT/MODEL/MODE/ is written. `meter` is a spec
    of docs/meters.md, `gate` the meter's channel of the board's pin; `timeout_s` is for one
    `infer` at least.
    """

    mode: MlperfMode
    dataset: Path
    out: Path
    model: Path | None = None
    board: str | None = None
    port: str | None = None
    io_manager: str | None = None
    io_manager_type: str | None = None
    meter: str | None = None
    gate: str | None = None
    task: str | None = None
    script: Path | None = None
    devices: Path | None = None
    baud: int | None = None
    division: str = "closed"
    toolchain: str | None = None
    timeout_s: float = 30.0


def run_mlperf(request: MlperfRequest, *, on_progress: Progress = quiet) -> MlperfRecord:
    """Run one mode of MLPerf Tiny and write its results.txt, results.json and log.txt.

    Raises:
        UsageError: no way to the board, no such task, or energy without a meter.
        InputError: the dataset, script, device list or model is not sound.
        GateError: the model does not fit the board.
        ToolchainError: what builds or runs the firmware is missing.
        DeviceError: the board, the IO manager or the meter failed.
    """
    from edgeq.bench.mlperf.connections import Way, complete_way
    from edgeq.bench.mlperf.runs import RunSettings, check_settings

    refuse_port(request.port)
    refuse_port(request.io_manager)
    settings = RunSettings(
        mode=request.mode, dataset=request.dataset, out=request.out, task=request.task,
        script=request.script, division=request.division,
    )  # fmt: skip
    way = complete_way(
        Way(
            port=request.port, io_manager=request.io_manager, variant=request.io_manager_type,
            baud=request.baud, meter=request.meter, gate=request.gate,
        ),
        request.devices, request.mode,
    )  # fmt: skip
    check_settings(settings, has_meter=way.meter is not None)
    board = find_board(request.board) if request.board else None
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
        image = None
        if request.model is not None:
            image = _build(request, request.model, board, Path(folder), way, on_progress)
        return _run(request, settings, way, board, image, on_progress)


def check_mlperf(folder: Path, *, division: str = "closed") -> SubmissionCheck:
    """Apply the rules of a submission to a folder: all of it, a system, a model or one run."""
    from edgeq.bench.mlperf.checker import check_submission

    return check_submission(folder, division=division)


def _run(
    request: MlperfRequest,
    settings: RunSettings,
    way: Way,
    board: Board | None,
    image: FirmwareImage | None,
    on_progress: Progress,
) -> MlperfRecord:
    from edgeq.bench.mlperf.connections import make_rig
    from edgeq.bench.mlperf.runs import run_mode
    from edgeq.device.mlperf.session import Deadlines

    deadlines = Deadlines(infer_s=request.timeout_s)
    rig = make_rig(way, request.mode, board=board, image=image, deadlines=deadlines)
    return run_mode(rig, settings, on_progress)


def _build(
    request: MlperfRequest,
    model: Path,
    board: Board | None,
    folder: Path,
    way: Way,
    on_progress: Progress,
) -> FirmwareImage:
    """Build the firmware of the mode, and flash it unless the board is a process of ours."""
    from edgeq.bench.mlperf.tasks import find_task
    from edgeq.bench.preparation import prepare
    from edgeq.core.errors import UsageError
    from edgeq.core.records import ProtocolRecord
    from edgeq.device.connection import runs_as_process
    from edgeq.device.flashers import flash_image

    if board is None:
        raise UsageError("a model needs a board", hint="name it with --board")
    on_progress("build", None)
    spoken = ProtocolRecord(
        name="mlperf",
        mode="energy" if request.mode == "energy" else "performance",
        # ic02's firmware is ic01's
        model=None if request.task is None else find_task(request.task).dataset,
    )
    ready = prepare(model, board, folder, toolchain=request.toolchain, protocol=spoken)
    if not runs_as_process(board, way.port or way.io_manager):
        on_progress("flash", None)
        flash_image(board, ready.image, port=way.port)
    return ready.image
