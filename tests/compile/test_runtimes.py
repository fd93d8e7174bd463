"""What a version of TensorFlow Lite Micro does not do right is named before it is flashed."""

from __future__ import annotations

import contextlib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.compile.micro import history
from edgeq.compile.runtimes import RuntimeProblem, check_runtime, find_runtime, version_table
from edgeq.core.errors import UsageError
from edgeq.graph.ir import Graph
from tests.support.micro_models import batch_matmul, dense, depthwise, lstm, mean
from tests.support.models import activation, constant, conv_model, one_op

PER_CHANNEL = dense((1, 12), 9, axis=0)


def _only(graph: Graph, version: str) -> RuntimeProblem:
    (problem,) = check_runtime(graph, version)
    return problem


@pytest.mark.parametrize(
    ("version", "effect"),
    [
        ("2024-05-28", "wrong"),
        ("2024-05-29", "fails"),
        ("71fba59b5", "fails"),
        ("esp-tflite-micro@1.3.0", "wrong"),
        ("esp-tflite-micro@1.3.1", "fails"),
        ("esp-tflite-micro@1.3.2", "wrong"),
        ("zephyr@20230809", "wrong"),
        ("1a34dcab41e7e0e667db72d6a40999c1ec9c510c", "wrong"),
        ("espressif/esp-tflite-micro==1.3.2", "wrong"),
        ("tflite-micro==0.dev20240301003017", "wrong"),
    ],
)
def test_dense_layers_with_a_scale_each_are_named(version: str, effect: str) -> None:
    problem = _only(PER_CHANNEL, version)
    assert (problem.op, problem.effect, problem.layer) == ("FULLY_CONNECTED", effect, "t2")
    assert "tensorflow/tflite-micro" in problem.source or "espressif" in problem.source


@pytest.mark.parametrize("version", ["2024-09-27", "47b545074", "2026-08-20"])
def test_dense_layers_with_a_scale_each_are_right_since(version: str) -> None:
    assert check_runtime(PER_CHANNEL, version) == ()


def test_esp_nn_is_doubted_where_its_kernel_wants_multiples_of_eight() -> None:
    assert "issue 34" in _only(PER_CHANNEL, "esp-tflite-micro@1.3.8").source
    even = dense((1, 16), 8, axis=0)
    assert check_runtime(even, "esp-tflite-micro@1.3.8") == ()


def test_one_scale_for_all_was_always_right() -> None:
    assert check_runtime(dense((1, 12), 9, axis=None), "2021-05-01") == ()


@pytest.mark.parametrize(
    ("graph", "before", "since"),
    [
        (batch_matmul(False, False), "2023-09-05", "2023-09-06"),
        (lstm(), "2022-04-27", "2022-04-28"),
        (mean("int16"), "2021-07-22", "2021-07-23"),
        (depthwise(4, 1, 3, "int4"), "2022-11-22", "2022-11-23"),
        (one_op("ABS", [activation((4,))], activation((4,))), "2022-06-16", "2022-06-17"),
    ],
)
def test_a_version_before_the_change_fails(graph: Graph, before: str, since: str) -> None:
    assert _only(graph, before).effect == "fails"
    assert since in _only(graph, before).reason
    assert check_runtime(graph, since) == ()


def test_int16_convolutions_with_int32_bias_came_later() -> None:
    data, weights = activation((1, 4, 4, 2), "int16"), constant([[[[1, 2]]]], scale=0.01)
    out, bias = activation((1, 4, 4, 1), "int16"), constant([0], "int32", 0.0005)
    options = {"padding": "SAME", "stride_h": 1, "stride_w": 1}
    graph = one_op("CONV_2D", [data, weights, bias], out, options)
    assert "int32 bias" in _only(graph, "2022-04-28").reason
    assert check_runtime(graph, "2022-04-29") == ()


@pytest.mark.parametrize(("products", "effects"), [(511, []), (512, ["unsure"])])
def test_sums_that_can_overflow_are_doubted(products: int, effects: list[str]) -> None:
    weights = constant([[1] * products], scale=0.01)
    data, out = activation((1, products), "int16"), activation((1, 1), "int16")
    graph = one_op("FULLY_CONNECTED", [data, weights, None], out)
    assert [p.effect for p in check_runtime(graph, "2026-06-15")] == effects
    assert check_runtime(graph, "2026-06-16") == ()


def test_a_depthwise_convolution_wants_its_bias_or_two_inputs() -> None:
    data, weights = activation((1, 4, 4, 1)), constant([[[[1]]]], scale=0.01)
    out = activation((1, 4, 4, 1))
    absent = one_op("DEPTHWISE_CONV_2D", [data, weights, None], out)
    assert "written as -1" in _only(absent, "2026-08-20").reason
    assert check_runtime(one_op("DEPTHWISE_CONV_2D", [data, weights], out), "2026-08-20") == ()


def test_what_no_version_has_is_said_of_every_version() -> None:
    graph = one_op("EXP", [activation((4,))], activation((4,)))
    assert "no version" in _only(graph, "2026-08-20").reason
    gelu = one_op("GELU", [activation((4,))], activation((4,)))
    assert "no version up to 2026-08-20 has GELU" in _only(gelu, "2026-08-20").reason


def test_before_the_history_what_is_not_known_is_unsure() -> None:
    arduino = "Arduino_TensorFlowLite@2.4.0-ALPHA"
    assert _only(conv_model(), arduino).effect == "unsure"
    resized = one_op(
        "RESIZE_BILINEAR",
        [activation((1, 2, 2, 1)), constant([4, 4], "int32")],
        activation((1, 4, 4, 1)),
    )
    assert _only(resized, arduino).effect == "fails"
    assert "issue 49207" in _only(resized, arduino).source


def test_a_custom_operator_needs_its_own_registration() -> None:
    graph = one_op("CUSTOM", [activation((4,))], activation((4,)), {"custom_code": "mine"})
    assert _only(graph, "2026-08-20").effect == "unsure"
    npu = one_op("CUSTOM", [activation((4,))], activation((4,)), {"custom_code": "ethos-u"})
    assert check_runtime(npu, "2026-08-20") == ()


@pytest.mark.parametrize(
    "version",
    [
        "",
        "1.0",
        "2024-13-01",
        "2024-5-1",
        "deadbeef",
        "esp-tflite-micro@9",
        "0.dev20249901",
        "\x00",
    ],
)
def test_an_unknown_version_is_a_wrong_call(version: str) -> None:
    with pytest.raises(UsageError, match="no version of TensorFlow Lite Micro") as caught:
        find_runtime(version)
    assert "docs/tflm.md" in caught.value.hint


def test_a_slip_gets_a_suggestion() -> None:
    with pytest.raises(UsageError, match=r"Did you mean esp-tflite-micro@1\.3\.2"):
        find_runtime("esp-tflite-mirco@1.3.2")


@given(st.dates(date(2019, 1, 1), date(2030, 1, 1)))
def test_every_day_is_a_version(day: date) -> None:
    assert find_runtime(day.isoformat()).day == day
    assert find_runtime(f"tflite_micro 0.dev{day:%Y%m%d}123456").day == day


@given(st.text())
def test_any_text_is_a_version_or_a_usage_error(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert find_runtime(text).name == text


def test_later_versions_have_no_more_problems() -> None:
    graphs = (PER_CHANNEL, lstm(), mean("int16"), depthwise(4, 1, 3, "int4"))
    for graph in graphs:
        counts = [len(check_runtime(graph, f"{year}-12-31")) for year in range(2020, 2027)]
        assert counts == sorted(counts, reverse=True)


def test_every_row_lies_in_the_history() -> None:
    days = [c.day for c in history.OPERATORS.values()]
    days += [c.day for c in history.TYPES.values() if c is not None]
    assert all(history.START <= day <= history.END for day in days)
    assert {op for op, _ in history.TYPES} <= set(history.OPERATORS)


def test_the_page_holds_the_table() -> None:
    page = Path(__file__).parents[2] / "docs" / "tflm.md"
    assert version_table() in page.read_text(encoding="utf-8")
