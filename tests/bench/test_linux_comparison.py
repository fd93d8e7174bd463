"""Why one model is slower: each finding follows from figures, and stands only where they say so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from edgeq.bench.linux.comparison import compare_results, group_layers
from edgeq.bench.linux.records import build_result
from edgeq.boards.registry import find_board
from edgeq.core.records import ComparisonRecord, Result
from edgeq.device.linux.replies import NodeDetail, Timing
from edgeq.report.formats import to_csv
from edgeq.report.linux import comparison_tables, linux_tables
from tests.support.linux import FACTS, fake_reply
from tests.support.small_cnn import small_cnn

INT8 = replace(small_cnn(), name="int8", file_bytes=1000)
FLOAT = replace(
    INT8,
    name="float",
    tensors=tuple(replace(t, dtype="float32", quantization=None) for t in INT8.tensors),
)
COUNT = len(INT8.nodes)
EVEN = tuple(1e-5 * (i + 1) for i in range(COUNT))


def result(graph: Any, *timings: tuple[int, int], **changed: Any) -> Result:
    spans = tuple(Timing(threads=n, spans_ns=(span,) * 12) for n, span in timings)
    reply = fake_reply(graph, timings=spans, prefixes=EVEN, **changed)
    return build_result(
        graph=graph, board=find_board("rpi4"), reply=reply, expected=[], xnnpack=True, layers=True
    )


def findings(first: Result, second: Result) -> str:
    return "\n".join(compare_results(first, second).findings)


def test_the_slower_model_is_named_with_both_medians() -> None:
    record = compare_results(result(FLOAT, (1, 100_000)), result(INT8, (1, 150_000)))
    assert record.ratio == pytest.approx(2 / 3)
    assert record.findings[0].startswith("int8 takes 1.50 times as long as float: 150 us")


def test_what_lies_within_the_spread_is_no_difference() -> None:
    wide = Timing(threads=1, spans_ns=(90_000, 100_000, 110_000, 95_000, 105_000))
    first = result(FLOAT, (1, 100_000))
    second = build_result(
        graph=INT8, board=find_board("rpi4"), reply=fake_reply(INT8, timings=(wide,)),
        expected=[], xnnpack=True, layers=False,
    )  # fmt: skip
    assert "the same time as far as this run can tell" in findings(first, second)


def test_operators_that_xnnpack_does_not_run_are_named_with_their_share() -> None:
    third = INT8.nodes[2]
    delegate = NodeDetail(op="DELEGATE", inputs=third.outputs, outputs=INT8.outputs)
    said = findings(result(FLOAT, (1, 100_000)), result(INT8, (1, 200_000), nodes=(delegate,)))
    names = ", ".join(node.op for node in INT8.nodes[:3])
    assert f"XNNPACK runs {COUNT - 3} of {COUNT} operators of int8; {names} fell off" in said
    assert f"{3 / COUNT:.0%} of its time" in said
    assert "of float;" not in said


def test_a_runtime_that_takes_only_one_of_the_models_is_named() -> None:
    old = {"runtime": "tflite-runtime", "runtime_version": "2.14.0"}
    first = result(FLOAT, (1, 100_000), **old)
    said = findings(first, result(INT8, (1, 200_000), nodes=(), **old))
    assert "tflite-runtime 2.14.0 was built with an XNNPACK that takes no operator of int8" in said
    assert "takes no operator" not in findings(first, result(INT8, (1, 200_000), **old))


def test_a_processor_without_int8_dot_products_explains_a_slower_int8() -> None:
    slow = result(INT8, (1, 200_000))
    assert "no int8 dot product" in findings(result(FLOAT, (1, 100_000)), slow)
    assert "no int8 dot product" not in findings(result(FLOAT, (1, 300_000)), slow)
    newer = msgspec.structs.replace(FACTS, cpuinfo="Features : asimd asimddp")
    slow = result(INT8, (1, 200_000), facts=newer)
    assert "no int8 dot product" not in findings(result(FLOAT, (1, 100_000)), slow)


def test_threads_and_traffic_of_both_models_are_told() -> None:
    said = findings(
        result(FLOAT, (1, 100_000), (4, 40_000)), result(INT8, (1, 90_000), (4, 89_000))
    )
    assert "float is 2.50 times as fast with 4 threads as with 1" in said
    assert "int8 gains nothing from more threads" in said
    assert "memory traffic" in said


def test_groups_sum_the_operators_of_a_type() -> None:
    groups = group_layers(result(INT8, (1, 100_000)))
    assert sum(group.operators for group in groups) == COUNT
    assert sum(group.time_s or 0 for group in groups) == pytest.approx(EVEN[-1])
    assert [g.time_s for g in groups] == sorted((g.time_s for g in groups), reverse=True)


def test_a_comparison_is_written_and_read_and_printed() -> None:
    record = compare_results(result(FLOAT, (1, 100_000)), result(INT8, (1, 150_000)))
    assert msgspec.json.decode(msgspec.json.encode(record), type=ComparisonRecord) == record
    assert record.passed
    text = "\n".join(to_csv(table) for table in comparison_tables(record))
    assert "measured" in comparison_tables(record)[0].title
    assert "XNNPACK runs 6 of 6 operators" in text
    summary = to_csv(linux_tables(record.first)[0])
    assert "Raspberry Pi 4 Model B Rev 1.4 aarch64, 4 x Cortex-A72" in summary
    assert "performance, 1800 MHz, 45.0 C, not throttled" in summary
