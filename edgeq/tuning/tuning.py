"""A whole search: its folder, its plain beginning, its trials, its choice."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import msgspec

from edgeq import __version__
from edgeq.boards.profile import Board
from edgeq.core.errors import InputError, ToolchainError, UsageError
from edgeq.core.files import refuse_missing, write_atomic
from edgeq.core.records.sensitivity import SensitivityRecord
from edgeq.sweep.manifest import Limits
from edgeq.sweep.schedulers import LocalScheduler
from edgeq.sweep.store import Store
from edgeq.tuning.candidates import PLAIN
from edgeq.tuning.choice import Choice, write_choice
from edgeq.tuning.folder import SENSITIVITY, claim_folder, forget_search, read_trials
from edgeq.tuning.layers import rank_layers
from edgeq.tuning.request import TuneRequest
from edgeq.tuning.search import Progress, Search, Setting
from edgeq.tuning.trial import searched_data

WORKER = "edgeq.tuning.worker"
SENSED = 128  # samples
MEMORY_GIB = 12.0


def run_tune(request: TuneRequest, on_progress: Progress) -> Choice:
    """Search until the trials or the minutes are over, then choose; finished trials are kept.

    Raises:
        InputError: the model, the dataset or the board is refused.
        UsageError: the folder is in use, or holds another search; latency is limited, and nothing
            is known of it on the board.
        ToolchainError: optuna is missing, or plain int8 cannot be made.
    """
    from edgeq.boards.registry import find_board

    board = find_board(request.board)
    folder = request.out or Path("runs") / f"tune-{request.model.stem}-{board.id}"
    with Store(folder):
        if request.fresh:
            forget_search(folder)
        setting = make_setting(request, board, folder)
        claim_folder(folder, setting)
        limits = Limits(seconds=setting.timeout_s, memory_gib=MEMORY_GIB)
        jobs = request.jobs or os.cpu_count() or 1
        scheduler = LocalScheduler(jobs, limits, WORKER)
        try:
            search = Search(setting, scheduler, request.limits, on_progress)
            begin(search)
            search.run(request.trials, request.minutes)
        finally:
            scheduler.close()
        return write_choice(search)


def make_setting(request: TuneRequest, board: Board, folder: Path) -> Setting:
    """Return what every trial of the search shares."""
    from edgeq.convert.recipes.conversion import hash_source

    refuse_missing(request.model)
    return Setting(
        version=__version__,
        source=str(request.model.resolve()),
        source_sha256=hash_source(request.model),
        data=request.data,
        data_root=str(request.data_root) if request.data_root else None,
        board=request.board,
        board_id=board.id,
        options=request.options,
        toolchain=request.toolchain,
        folder=str(folder.resolve()),
        seed=request.seed,
    )


def begin(search: Search) -> None:
    """Try plain int8, rank the layers by it, and learn from the trials that the folder has.

    A plain int8 that failed is tried again: its cause may be gone.

    Raises:
        InputError: the model or the dataset was refused.
        ToolchainError: plain int8 failed otherwise.
        UsageError: latency is limited, and nothing is known of it on the board.
    """
    known = {record.key: record for record in read_trials(search.folder)}
    plain = known.pop(search.key_of(PLAIN), None)
    if plain is None or plain.verdict != "ok":
        plain = search.try_alone(PLAIN)
    if plain.error == InputError.__name__:
        raise InputError(
            f"plain int8 failed: {plain.cause}",
            hint="correct the model or the dataset: `edgeq convert` tells the same sooner",
        )
    if plain.floating is None or plain.costs is None:
        raise ToolchainError(
            f"plain int8 {'does not fit' if plain.verdict == 'misfit' else 'failed'}: "
            f"{plain.cause}",
            hint="a search begins with plain int8 on a board that has room for it; limit flash and "
            "ram with --flash and --ram",
        )
    if plain.costs.latency_s is None and search.limits.latency_s is not None:
        raise UsageError(
            f"nothing is known of latencies on {search.setting.board_id}",
            hint="leave --latency out, or search on a virtual board of the same core",
        )
    search.open_study(rank_layers(find_sensitivity(search)), plain, known.values())


def find_sensitivity(search: Search) -> SensitivityRecord:
    """Measure what int4 weights cost each layer; the folder keeps it for the next time."""
    from edgeq.convert.sensitivity import measure_sensitivity

    path = search.folder / SENSITIVITY
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode(path.read_bytes(), type=SensitivityRecord)
    search.on_progress("sensitivity of the layers", None)
    setting = search.setting
    record = measure_sensitivity(
        Path(setting.source),
        searched_data(setting.data, setting.data_root),
        samples=SENSED,
        calibration=SENSED,
    )
    write_atomic(path, msgspec.json.encode(record))
    return record
