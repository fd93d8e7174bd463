"""Raw counters become a result that says what each number is."""

from __future__ import annotations

import pytest

from edgeq.bench.measurement import Measurement, build_result, latency_record, layer_records
from edgeq.bench.oracles import find_oracle
from edgeq.boards.registry import find_board
from edgeq.core.errors import UsageError
from tests.support.bench_data import IMAGE, PLAN, virtual_board


def _measured(*samples: dict[str, int]) -> Measurement:
    overhead = dict.fromkeys(samples[0], 10)
    return Measurement(samples, overhead, outputs=(b"\x01\x02",), stack_bytes=300)


def test_the_cost_of_reading_the_counter_is_not_the_models() -> None:
    measured = _measured({"instructions": 1010, "cycles": 1210})
    latency = latency_record(measured, virtual_board(clock_hz=1_200_000), 1_200_000)
    assert latency.instructions == 1000
    assert latency.cycles == 1200
    assert latency.median_s == pytest.approx(1e-3)


def test_seconds_from_modelled_cycles_are_estimated_with_their_source() -> None:
    measured = _measured({"instructions": 1010, "cycles": 1210})
    latency = latency_record(measured, virtual_board(), 120_000_000)
    assert latency.kind == "estimated"
    assert latency.cycles_kind == "estimated"
    assert latency.cycles_source


def test_ticks_of_qemu_are_instructions() -> None:
    latency = latency_record(_measured({"ticks": 810}), find_board("qemu-an386"), 25_000_000)
    assert latency.instructions == 1000
    assert latency.kind == "estimated"
    assert latency.median_s == pytest.approx(1000 / 25e6)


def test_a_timer_of_a_real_board_is_measured_at_its_own_frequency() -> None:
    board = virtual_board(kind="linux")
    latency = latency_record(_measured({"ns": 2_000_010}), board, 1_000_000_000)
    assert latency.kind == "measured"
    assert latency.median_s == pytest.approx(2e-3)
    assert latency.instructions is None
    assert latency.cycles_kind is None


@pytest.mark.parametrize(
    ("expected", "verdict"), [((b"\x01\x02",), True), ((b"\x01\x03",), False), (None, None)]
)
def test_the_verdict_compares_every_byte(
    expected: tuple[bytes, ...] | None, verdict: bool | None
) -> None:
    result = build_result(
        plan=PLAN,
        board=virtual_board(),
        image=IMAGE,
        measured=_measured({"instructions": 1010, "cycles": 1210}),
        frequency_hz=1,
        layers=(),
        expected=expected,
        oracle="oracle",
    )
    assert result.output.bit_exact is verdict
    assert result.output.crc32 == "b6cc4292"
    assert result.memory.ram_bytes == IMAGE.sizes.arena_bytes + IMAGE.sizes.static_bytes + 300


def test_a_layer_costs_what_it_adds_to_the_counters() -> None:
    traced = [{"instructions": 15}, {"instructions": 25}]
    layers = layer_records(PLAN, virtual_board(clock_hz=1000), traced, {"instructions": 5}, 1)
    assert [layer.instructions for layer in layers] == [10, 20]
    assert [layer.time_s for layer in layers] == [0.01, 0.02]


def test_a_layer_on_a_board_with_a_timer_has_a_time_and_no_count() -> None:
    traced = [{"ns": 1500}, {"ns": 2500}]
    layers = layer_records(PLAN, virtual_board(kind="linux"), traced, {"ns": 500}, 10**9)
    assert [layer.instructions for layer in layers] == [None, None]
    assert [layer.time_s for layer in layers] == pytest.approx([1e-6, 2e-6])


def test_an_unknown_oracle_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no oracle"):
        find_oracle("crystal ball")
