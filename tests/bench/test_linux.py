"""Measurements of Linux boards: what the runner answers becomes a record that tells the truth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.bench.linux.layers import find_delegated, operator_times, traffic_bytes
from edgeq.bench.linux.options import LinuxOptions, check_options, parse_threads
from edgeq.bench.linux.outputs import Expected, compare_outputs
from edgeq.bench.linux.processors import describe_processor
from edgeq.bench.linux.records import build_result
from edgeq.bench.linux.throttling import decode_flags, find_throttling, host_state
from edgeq.boards.registry import find_board
from edgeq.core.errors import UsageError
from edgeq.core.records import Result
from edgeq.device.linux.replies import NodeDetail, Reply, State
from edgeq.graph.ir import Graph
from tests.support.linux import FACTS, STATE, fake_reply
from tests.support.small_cnn import small_cnn

GRAPH = replace(small_cnn(), sha256="0" * 64, file_bytes=1234)
TIMES = tuple(1e-5 * (i + 1) for i in range(len(GRAPH.nodes)))
OUTPUT = bytes(range(10))


def state(**changed: Any) -> State:
    return msgspec.structs.replace(STATE, **changed)


def result(reply: Reply, board: str = "rpi4", **changed: Any) -> Result:
    values: dict[str, Any] = {"expected": [], "xnnpack": True, "layers": True} | changed
    return build_result(graph=GRAPH, board=find_board(board), reply=reply, **values)


# --- throttling ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bits", "names"),
    [
        (0x0, ()),
        (0x1, ("under-voltage",)),
        (0x2, ("frequency capped",)),
        (0x4, ("throttled",)),
        (0x8, ("soft temperature limit",)),
        (0x50000, ("under-voltage since boot", "throttled since boot")),
        (0x50005, ("under-voltage", "throttled", "under-voltage since boot",
                   "throttled since boot")),
    ],
)  # fmt: skip
def test_the_firmwares_flags_have_names(bits: int, names: tuple[str, ...]) -> None:
    assert decode_flags(bits) == names
    assert host_state(state(throttled_bits=bits)).throttled == names


@pytest.mark.parametrize(
    ("before", "after", "reasons"),
    [
        (0x0, 0x0, ()),
        (0x50000, 0x50000, ()),  # of earlier: not of these runs
        (0x0, 0x40000, ("throttled",)),  # came and went in between
        (0x40000, 0x40004, ("throttled",)),
        (0x4, 0x40000, ("throttled",)),
        (0x0, 0x10001, ("under-voltage",)),
        (None, None, ()),
    ],
)
def test_what_slowed_the_machine_during_the_runs_is_found(
    before: int | None, after: int | None, reasons: tuple[str, ...]
) -> None:
    states = state(throttled_bits=before), state(throttled_bits=after)
    assert find_throttling(*states) == reasons


def test_heat_on_a_pc_is_found_by_its_counters() -> None:
    assert find_throttling(state(throttle_events=3), state(throttle_events=3)) == ()
    (reason,) = find_throttling(state(throttle_events=3), state(throttle_events=5))
    assert reason == "throttled by heat 2 times"


def test_a_throttled_run_is_invalid_and_says_so() -> None:
    record = result(fake_reply(GRAPH, after=state(throttled_bits=0x40004)))
    assert record.host is not None
    assert not record.host.valid
    assert not record.passed
    assert any(w.startswith("INVALID") and "throttled" in w for w in record.warnings)
    assert result(fake_reply(GRAPH)).passed


# --- operators -----------------------------------------------------------------------------------


def nodes(*delegates: tuple[tuple[int, ...], tuple[int, ...]]) -> list[NodeDetail]:
    own = [NodeDetail(op=n.op, inputs=n.inputs, outputs=n.outputs) for n in GRAPH.nodes]
    return own + [NodeDetail(op="DELEGATE", inputs=i, outputs=o) for i, o in delegates]


def test_the_operators_of_a_delegate_are_those_between_its_ends() -> None:
    first, second = GRAPH.nodes[0], GRAPH.nodes[1]
    last = GRAPH.nodes[-1]
    assert find_delegated(GRAPH, nodes()) == frozenset()
    assert find_delegated(GRAPH, nodes((GRAPH.inputs, second.outputs))) == {0, 1}
    assert find_delegated(GRAPH, nodes((first.outputs, second.outputs))) == {1}
    everything = frozenset(node.index for node in GRAPH.nodes)
    assert find_delegated(GRAPH, nodes((GRAPH.inputs, last.outputs))) == everything


@given(st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=40))
def test_operator_times_are_never_negative_and_lose_nothing(prefixes: list[float]) -> None:
    times = operator_times(prefixes)
    assert len(times) == len(prefixes)
    assert min(times) >= 0.0
    assert sum(times) <= max(prefixes) * (1 + 1e-9)
    if prefixes == sorted(prefixes):
        assert sum(times) == pytest.approx(prefixes[-1])


def test_operator_times_are_the_differences_where_nothing_is_noise() -> None:
    assert operator_times([1.0, 3.0, 3.5]) == (1.0, 2.0, 0.5)
    assert operator_times([1.0, 3.0, 2.0]) == (1.0, 1.5, 0.0)
    assert operator_times([]) == ()


def test_traffic_counts_inputs_constants_and_outputs() -> None:
    node = GRAPH.nodes[0]
    assert traffic_bytes(GRAPH, node) == 64 + 8 * 9 + 8 * 4 + 4 * 4 * 8


# --- outputs -------------------------------------------------------------------------------------


def test_outputs_are_compared_with_each_oracle() -> None:
    other = bytes([*OUTPUT[:8], 10, 6])
    record = compare_outputs(GRAPH, (OUTPUT,), [Expected("a", (OUTPUT,)), Expected("b", (other,))])
    assert (record.bit_exact, record.oracle) == (True, "a")
    assert [(d.differing, d.elements, d.maximum) for d in record.differences] == [
        (0, 10, 0.0),
        (2, 10, 3.0),
    ]
    assert compare_outputs(GRAPH, (OUTPUT,), []).bit_exact is None


def test_a_number_that_is_none_differs_from_every_number() -> None:
    floats = Graph(
        "f", (replace(GRAPH.tensors[0], dtype="float32", shape=(3,)),), (), (0,), (0,)
    )  # fmt: skip
    good = np.array([1.0, 2.0, np.nan], np.float32).tobytes()
    bad = np.array([1.0, np.nan, np.nan], np.float32).tobytes()
    record = compare_outputs(floats, (bad,), [Expected("a", (good,))])
    assert (record.differences[0].differing, record.differences[0].maximum) == (1, np.inf)


# --- the record ----------------------------------------------------------------------------------


def test_the_record_is_that_of_any_board() -> None:
    record = result(fake_reply(GRAPH, prefixes=TIMES))
    assert (record.board.id, record.board.kind) == ("raspberry-pi-4b", "linux")
    assert record.latency.kind == "measured"
    assert record.memory.peak_rss_bytes == 50_000_000
    assert record.memory.ram_bytes == 10_000_000
    assert len(record.layers) == len(GRAPH.nodes)
    assert record.layers[1].time_s == pytest.approx(1e-5)
    encoded = msgspec.json.encode(record)
    assert msgspec.json.decode(encoded, type=Result) == record


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"facts": msgspec.structs.replace(FACTS, model="Raspberry Pi 3 Model B Rev 1.2")},
         "calls itself 'Raspberry Pi 3 Model B Rev 1.2'"),
        ({"facts": msgspec.structs.replace(FACTS, machine="x86_64")}, "is it emulated"),
        ({"before": msgspec.structs.replace(STATE, governor="ondemand")}, "governor is 'ondemand'"),
        ({"nodes": ()}, "XNNPACK runs none"),
        ({}, "were not timed"),
    ],
)  # fmt: skip
def test_what_makes_a_figure_doubtful_is_a_warning(changed: dict[str, Any], said: str) -> None:
    assert any(said in warning for warning in result(fake_reply(GRAPH, **changed)).warnings)


def test_a_machine_that_is_what_it_should_be_gives_no_warning() -> None:
    assert result(fake_reply(GRAPH, prefixes=TIMES)).warnings == ()


def test_this_computer_tells_its_own_core_and_clock() -> None:
    record = result(fake_reply(GRAPH), "local")
    assert (record.board.core, record.board.clock_hz) == ("aarch64", 1_800_000_000)


@pytest.mark.parametrize(
    ("cpuinfo", "name", "features"),
    [
        ("processor\t: 0\nFeatures\t: fp asimd evtstrm\nCPU part\t: 0xd08\n", "Cortex-A72",
         ("asimd",)),
        ("CPU part : 0xd0b\nFeatures : asimd asimddp asimdhp\n", "Cortex-A76",
         ("asimd", "asimddp", "asimdhp")),
        ("CPU part : 0xfff\n", "0xfff", ()),
        ("model name : Some CPU: 3\nflags : fpu avx2 avx512_vnni\n", "Some CPU: 3",
         ("avx2", "avx512_vnni")),
        ("", "unknown", ()),
        ("cpu MHz : nan\n\x00::\n", "unknown", ()),
    ],
)  # fmt: skip
def test_the_processor_is_named(cpuinfo: str, name: str, features: tuple[str, ...]) -> None:
    facts = msgspec.structs.replace(FACTS, cpuinfo=cpuinfo)
    found = describe_processor(facts)
    assert (found.name, found.features) == (name, features)


# --- options -------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "0", "-1", "1,", "a", "1;2", "257", "1 2"])
def test_threads_that_are_no_numbers_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--threads"):
        parse_threads(text)


def test_threads_are_a_number_or_several() -> None:
    assert parse_threads("4") == (4,)
    assert parse_threads("1,2,4") == (1, 2, 4)


def test_a_board_over_ssh_needs_a_host_and_this_computer_takes_none() -> None:
    with pytest.raises(UsageError, match="reached over SSH") as caught:
        check_options(find_board("rpi4"), LinuxOptions())
    assert "--host" in caught.value.hint
    with pytest.raises(UsageError, match="not reached over SSH"):
        check_options(find_board("local"), LinuxOptions(host="pi@board"))
