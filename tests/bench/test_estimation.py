"""An estimate is a range around its formula, grows with the work, and says what it cannot know."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.bench.calibration import COUNT_TOLERANCE, CoreCalibration, load_calibration
from edgeq.bench.costs import GUESS_TOLERANCE, Cost, load_costs
from edgeq.bench.estimation import EstimateRecord, estimate_board, estimate_boards, silicon_cycles
from edgeq.boards.profile import Board, Memory
from edgeq.boards.registry import find_board, list_boards
from edgeq.compile import compile_graph
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph
from tests.support.models import activation, conv_model, one_op
from tests.support.small_cnn import small_cnn

MARGIN = 1 + COUNT_TOLERANCE
CALIBRATION = CoreCalibration(
    counts="cortex-m4", basis="published", low=1.5, typical=2.0, high=3.0, source="a test"
)


def _flash(wait_states: int, *, cached: bool) -> Memory:
    return Memory(
        name="flash", kind="flash", start=0, size=1 << 20, wait_states=wait_states, cached=cached
    )


def _changed_core(board: str, **fields: Any) -> Board:
    profile = find_board(board)
    core = msgspec.structs.replace(profile.core, **fields)
    return msgspec.structs.replace(profile, core=core)


def _estimate(board: Board | str, graph: Graph | None = None) -> EstimateRecord:
    profile = find_board(board) if isinstance(board, str) else board
    (record,) = estimate_boards(graph or small_cnn(), [profile])
    return record


def test_cycles_are_instructions_times_the_calibrated_ratio() -> None:
    cycles = silicon_cycles(Cost(instructions=1000, cycles=None), CALIBRATION, None)
    assert cycles.low == pytest.approx(1500 / MARGIN)
    assert cycles.typical == pytest.approx(2000)
    assert cycles.high == pytest.approx(3000 * MARGIN)


def test_no_typical_value_lies_below_the_manuals_cycles() -> None:
    cycles = silicon_cycles(Cost(instructions=1000, cycles=2500), CALIBRATION, None, floor=2500)
    assert cycles.typical == 2500
    assert cycles.low == pytest.approx(2500 / MARGIN)
    assert any("zero-wait-state" in note for note in cycles.notes)


def test_flash_without_a_cache_may_wait_for_every_fetch() -> None:
    cost = Cost(instructions=1000, cycles=None)
    cached = silicon_cycles(cost, CALIBRATION, _flash(6, cached=True))
    bare = silicon_cycles(cost, CALIBRATION, _flash(6, cached=False))
    assert bare.high == pytest.approx(2000 + 6 * 0.5 * 1000)
    assert cached.typical < bare.typical < bare.high
    assert any("no cache" in note for note in bare.notes)


@given(
    instructions=st.integers(1, 10**9),
    stalls=st.floats(0, 4),
    waits=st.integers(0, 16),
    cached=st.booleans(),
    ratios=st.lists(st.floats(0.3, 10), min_size=3, max_size=3).map(sorted),
    basis=st.sampled_from(["published", "proxy", "assumed"]),
)
def test_the_range_holds_the_typical_value(
    instructions: int, stalls: float, waits: int, cached: bool, ratios: list[float], basis: Any
) -> None:
    low, typical, high = ratios
    known = CoreCalibration(
        counts="x", basis=basis, low=low, typical=typical, high=high, source="x"
    )
    cost = Cost(instructions=instructions, cycles=None)
    cycles = silicon_cycles(cost, known, _flash(waits, cached=cached), stalls * instructions)
    assert 0 < cycles.low <= cycles.typical <= cycles.high


@pytest.mark.parametrize("core", load_costs().cores)
@pytest.mark.parametrize("grown", [{"out_channels": 8}, {"in_channels": 6}, {"height": 12}])
def test_more_work_takes_longer(core: str, grown: dict[str, int]) -> None:
    board = find_board(load_costs().cores[core].board)
    small, large = _estimate(board, conv_model()), _estimate(board, conv_model(**grown))
    assert small.instructions is not None
    assert large.instructions is not None
    assert 1 < large.instructions / small.instructions < 4
    assert small.latency is not None
    assert large.latency is not None
    assert small.latency.typical_s < large.latency.typical_s


def test_a_real_board_is_slower_than_its_core_at_zero_wait_states() -> None:
    record = _estimate("nucleo-l4r5zi")
    assert record.kind == "estimated"
    assert record.latency is not None
    assert record.cycles is not None
    assert record.cycles / record.clock_hz < record.latency.typical_s
    assert record.latency.low_s < record.latency.typical_s < record.latency.high_s


def test_a_virtual_board_takes_its_own_modelled_cycles() -> None:
    unicorn, qemu = _estimate("virt-m4"), _estimate("qemu-an386")
    assert unicorn.latency is not None
    assert unicorn.cycles is not None
    assert unicorn.latency.typical_s == pytest.approx(unicorn.cycles / unicorn.clock_hz)
    assert qemu.latency is not None
    assert qemu.instructions is not None
    assert qemu.latency.typical_s == pytest.approx(qemu.instructions / qemu.clock_hz)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"arch": "rv64gc", "fpu": "dp"}, "no table for rv64gc"),
        ({"arch": "xtensa-lx7"}, "no table for xtensa-lx7"),
        ({"arch": "cortex-m55", "dsp": True, "mve": False}, "no table for cortex-m55 without mve"),
    ],
)
def test_a_core_without_a_table_says_so_and_still_fits(fields: Any, said: str) -> None:
    record = _estimate(_changed_core("nucleo-l4r5zi", **fields))
    assert record.latency is None
    assert record.instructions is None
    assert any(said in note for note in record.notes)
    assert record.fits
    assert record.flash is not None
    assert record.ram is not None
    assert (record.flash.region, record.ram.region) == ("flash", "ram")


def test_a_board_without_a_clock_has_no_latency() -> None:
    record = _estimate(msgspec.structs.replace(find_board("virt-m4"), clock_hz=0))
    assert record.latency is None
    assert any("no clock" in note for note in record.notes)


def test_what_is_left_out_of_an_estimate_is_said() -> None:
    board = _changed_core("qemu-an547", npu="ethos-u55-128")
    build = msgspec.structs.replace(board.build, template="", export="zephyr")
    notes = _estimate(msgspec.structs.replace(board, kind="mcu", build=build)).notes
    assert any("without its ethos-u55-128" in note for note in notes)
    assert any("SDK" in note for note in notes)


def test_a_kernel_that_the_table_does_not_know_is_named() -> None:
    graph, board = small_cnn(), find_board("virt-m4")
    compiled = compile_graph(graph, name="small", target=Target.of(board.core))
    layers = (msgspec.structs.replace(compiled.plan.layers[0], kernel="eq_new"),)
    plan = msgspec.structs.replace(compiled.plan, layers=layers)
    record = estimate_board(graph, msgspec.structs.replace(compiled, plan=plan), board)
    assert any("eq_new" in note for note in record.notes)
    latency = record.latency
    assert latency is not None
    assert latency.low_s == pytest.approx(latency.typical_s / (1 + GUESS_TOLERANCE))
    assert latency.high_s == pytest.approx(latency.typical_s * (1 + GUESS_TOLERANCE))


def test_an_operator_that_the_table_does_not_know_has_no_latency() -> None:
    unit = activation((1, 8), scale=1 / 128)
    graph = one_op("L2_NORMALIZATION", [activation((1, 8))], unit, {})
    record = _estimate("virt-m4", graph)
    assert record.latency is None
    assert any("the cost table has no kernel eq_" in note for note in record.notes)


def test_an_unsupported_operator_is_named_and_fits_nowhere() -> None:
    record = _estimate("virt-m4", one_op("EXP", [activation((1, 8))], activation((1, 8)), {}))
    assert not record.fits
    assert "EXP" in record.problems[0]
    assert record.latency is None


def test_every_board_has_a_line_and_every_calibrated_core_a_latency() -> None:
    boards = list_boards()
    records = estimate_boards(small_cnn(), boards)
    assert [r.board_id for r in records] == [b.id for b in boards]
    for record in records:
        unknown = any("latency unknown" in note for note in record.notes)
        assert (record.latency is None) == unknown
        assert unknown or record.core in load_calibration().cores
