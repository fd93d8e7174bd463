"""Fit says what is short before anything is built, and is right about what was built."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from edgeq.boards.profile import Board
from edgeq.boards.registry import find_board
from edgeq.compile import compile_graph
from edgeq.compile.target import Target
from edgeq.core.errors import GateError
from edgeq.firmware.build import build_firmware
from edgeq.firmware.fit import check_fit
from tests.support.models import activation, one_op
from tests.support.small_cnn import small_cnn


def _shrunk(region: str, size: int) -> Board:
    board = find_board("virt-m4")
    memory = tuple(
        msgspec.structs.replace(r, size=size) if r.name == region else r for r in board.memory
    )
    return msgspec.structs.replace(board, memory=memory)


def test_a_small_model_fits_a_large_board() -> None:
    graph = small_cnn()
    report = check_fit(graph, compile_graph(graph, name="small"), find_board("virt-m4"))
    assert report.fits
    assert report.kind == "estimated"
    assert [r.region for r in report.regions] == ["flash", "ram"]


@pytest.mark.parametrize(("region", "size"), [("ram", 8 << 10), ("flash", 4 << 10)])
def test_a_board_that_is_too_small_is_named_by_its_region(region: str, size: int) -> None:
    graph = small_cnn()
    report = check_fit(graph, compile_graph(graph, name="small"), _shrunk(region, size))
    assert not report.fits
    (problem,) = report.problems
    assert problem.startswith(f"{region} is ")
    assert "short" in problem


def test_the_largest_tensors_are_those_of_the_peak() -> None:
    graph = small_cnn()
    compiled = compile_graph(graph, name="small")
    largest = check_fit(graph, compiled, find_board("virt-m4")).largest
    assert max(t.offset + t.bytes for t in largest) == compiled.plan.arena_bytes
    assert [t.bytes for t in largest] == sorted((t.bytes for t in largest), reverse=True)


def test_an_unsupported_operator_does_not_fit_anywhere() -> None:
    graph = one_op("EXP", [activation((1, 8))], activation((1, 8)), {})
    report = check_fit(graph, None, find_board("virt-m4"))
    assert not report.fits
    assert "operators[0] (EXP)" in report.problems[0]


def test_the_estimate_is_not_below_the_built_firmware(tmp_path: Path) -> None:
    pytest.importorskip("ziglang")
    graph, board = small_cnn(), find_board("virt-m4")
    compiled = compile_graph(graph, name="small", target=Target.of(board.core))
    image = build_firmware(compiled, board, tmp_path)
    estimated = {r.region: r.used for r in check_fit(graph, compiled, board).regions}
    built = {r.region: r.used for r in image.regions}
    assert built["ram"] >= board.build.stack_bytes + compiled.plan.arena_bytes
    for region, used in built.items():
        assert used <= estimated[region] <= 2 * used + (16 << 10), region


def test_a_firmware_that_does_not_link_is_a_gate_error(tmp_path: Path) -> None:
    pytest.importorskip("ziglang")
    board = _shrunk("flash", 4 << 10)
    compiled = compile_graph(small_cnn(), name="small", target=Target.of(board.core))
    with pytest.raises(GateError, match="'flash' of virt-m4 is too small by"):
        build_firmware(compiled, board, tmp_path)
