"""Assertions that explain themselves: figures, and the command to look closer."""

from __future__ import annotations

import atexit
import functools
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from edgeq.testing.board import EdgeBoard, Model

if TYPE_CHECKING:
    from edgeq.bench.gates import Metric, Subject
    from edgeq.core.records import Result

DEFAULT_BOARD = "virt-m4"

Board = EdgeBoard | str


def assert_fits(
    model: Model,
    *,
    board: Board = DEFAULT_BOARD,
    flash: str | None = None,
    ram: str | None = None,
) -> None:
    """Fail unless the firmware fits the board, and into `flash` and `ram` where they are given."""
    __tracebackhide__ = True
    from edgeq.core.units import format_bytes

    report = _as_board(board).fit(model, flash=flash, ram=ram)
    if report.fits:
        return
    largest = ", ".join(f"{t.name} ({format_bytes(t.bytes)})" for t in report.largest)
    lines = [*report.problems, f"largest tensors at the peak: {largest}"]
    name = f"{model} does not fit {report.board_id} ({report.kind})"
    _fail(name, lines, f"edgeq fit {model} --board {report.board_id}")


def assert_faster_than(
    model: Model,
    limit: str | Path | Result,
    *,
    board: Board = DEFAULT_BOARD,
    tolerance: float = 0.03,
) -> None:
    """Fail where the median latency is above a limit, or worse than a baseline beyond noise.

    Args:
        limit: a time such as '5ms', or a baseline: a result, or the path of a .json file.
        tolerance: the share by which it may be slower than the baseline.
    """
    __tracebackhide__ = True
    from edgeq.core.units import parse_quantity

    if isinstance(limit, str) and not limit.endswith(".json"):
        _hold(model, board, {"latency": parse_quantity(limit, "s", what="limit")})
    else:
        _hold(model, board, {}, _as_subject(limit), tolerance)


def assert_within_energy(model: Model, limit: str, *, board: Board = DEFAULT_BOARD) -> None:
    """Fail where an inference takes more than `limit`, e.g. '1mJ', or nothing tells its energy."""
    __tracebackhide__ = True
    from edgeq.core.units import parse_quantity

    _hold(model, board, {"energy": parse_quantity(limit, "J", what="limit")})


def assert_bit_exact(
    model: Model,
    *,
    board: Board = DEFAULT_BOARD,
    data: str | None = None,
    samples: int = 100,
    seeds: int = 8,
) -> None:
    """Fail unless the board computes the oracle's bytes, for samples of `data` and for `seeds`."""
    __tracebackhide__ = True
    under = _as_board(board)
    record = under.validate(model, data=data, samples=samples, seeds=seeds)
    if record.matched == record.inputs:
        return
    lines = [f"{record.matched} of {record.inputs} inputs gave the bytes of {record.oracle}"]
    miss = record.first_mismatch
    if miss is not None:
        place = f"layer {miss.layer} ({miss.op} {miss.layer_name}), input {miss.input}"
        lines.append(f"first in {place}: {miss.differing} of {miss.elements} elements differ")
    command = f"edgeq validate {model} --board {under.id}"
    _fail(f"{model} is not bit-exact on {under.id}", lines, command)


def _hold(
    model: Model,
    board: Board,
    limits: dict[Metric, float],
    baseline: Subject | None = None,
    tolerance: float = 0.03,
) -> None:
    """Fail with the text of each gate that does not hold; of a baseline, latency alone counts.

    Raises:
        UsageError: the baseline is of another model, board or engine.
    """
    __tracebackhide__ = True
    from edgeq.bench.gates import Rules, Subject, check_subject, find_baseline

    under = _as_board(board)
    subject = Subject(str(model), under.result(model))
    against = find_baseline(subject, (baseline,)) if baseline else None
    checked = check_subject(subject, Rules(limits, tolerance), against)
    wanted = limits.keys() or {"latency"}
    failed = [f"{g.gate}: {g.text}" for g in checked.gates if g.gate in wanted and not g.passed]
    if failed:
        _fail(f"{model} on {under.id}", failed, f"edgeq bench {model} --board {under.id}")


def _fail(title: str, lines: Sequence[str], command: str) -> NoReturn:
    __tracebackhide__ = True
    raise AssertionError("\n".join([title, *(f"  {line}" for line in lines), f"  hint: {command}"]))


def _as_subject(baseline: str | Path | Result) -> Subject:
    from edgeq.bench.gates import Subject
    from edgeq.report.results import read_subject

    if isinstance(baseline, (str, Path)):
        return read_subject(Path(baseline))
    return Subject("the baseline", baseline)


def _as_board(board: Board) -> EdgeBoard:
    return board if isinstance(board, EdgeBoard) else _board_of(board)


@functools.cache
def _board_of(name: str) -> EdgeBoard:
    """Return the board that this process keeps for an id; its builds go when the process ends."""
    folder = tempfile.TemporaryDirectory(prefix="edgeq-")
    atexit.register(folder.cleanup)
    return EdgeBoard(name, Path(folder.name))
