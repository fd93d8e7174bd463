"""Gates: limits, the comparison with a baseline, and what makes a result unsound."""

from __future__ import annotations

import pytest

from edgeq.bench.gates import Metric, Rules, Subject, check_subject
from edgeq.bench.trust import find_differences
from edgeq.core.records import (
    BoardRecord,
    EngineRecord,
    EvaluationRecord,
    GateRecord,
    ModelRecord,
    OutputRecord,
    Result,
    ValidationRecord,
)
from tests.support.results import (
    changed,
    make_energy,
    make_host,
    make_result,
    subject_of,
    with_memory,
)

SLOWER = make_result((1.05e-3,) * 10)


def _evaluation(value: float, metric: str = "top1") -> EvaluationRecord:
    return EvaluationRecord(
        dataset="digits", split="evaluation", samples=400, metric=metric, float_value=None,
        int8_value=value, sqnr_db=None, agreement=None, engine="litert",
    )  # fmt: skip


def _gate(
    result: Result | Subject, name: str, rules: Rules, baseline: Result | None = None
) -> GateRecord:
    subject = result if isinstance(result, Subject) else subject_of(result)
    earlier = subject_of(baseline, "baseline.json") if baseline else None
    checked = check_subject(subject, rules, earlier)
    return [gate for gate in checked.gates if gate.gate == name][-1]


@pytest.mark.parametrize(
    ("metric", "limit", "passed"),
    [
        ("latency", 1e-3, True),
        ("latency", 0.99e-3, False),
        ("flash", 20_000, True),
        ("flash", 19_999, False),
        ("ram", 6000, True),
        ("ram", 5999, False),
    ],
)
def test_a_limit_holds_up_to_itself(metric: Metric, limit: float, passed: bool) -> None:
    gate = _gate(make_result(), metric, Rules({metric: limit}))
    assert gate.passed is passed
    assert gate.verdict == ("holds" if passed else "exceeds")
    assert gate.limit == limit


def test_a_limit_of_what_was_not_measured_does_not_hold() -> None:
    gate = _gate(make_result(), "energy", Rules({"energy": 1.0}))
    assert (gate.verdict, gate.passed) == ("missing", False)


def test_the_least_accuracy_is_a_limit_from_below() -> None:
    subject = Subject("report.json", make_result(), _evaluation(0.9))
    assert _gate(subject, "accuracy", Rules({"accuracy": 0.9})).passed
    gate = _gate(subject, "accuracy", Rules({"accuracy": 0.95}))
    assert not gate.passed
    assert "90.00% is below the least of 95.00%" in gate.text


def test_an_error_is_no_accuracy() -> None:
    subject = Subject("report.json", make_result(), _evaluation(0.9, "mae"))
    assert _gate(subject, "accuracy", Rules({"accuracy": 0.5})).verdict == "missing"
    checked = check_subject(subject, Rules(), Subject("b", make_result(), _evaluation(0.5, "mae")))
    (gate,) = (g for g in checked.gates if g.gate == "error")
    assert gate.verdict == "regression"


def test_a_repeat_on_a_virtual_board_is_the_same_in_everything() -> None:
    checked = check_subject(subject_of(make_result()), Rules(), subject_of(make_result()))
    compared = [g for g in checked.gates if g.baseline is not None]
    assert {g.gate for g in compared} == {"latency", "instructions", "flash", "ram"}
    assert {g.verdict for g in compared} == {"same"}
    assert checked.passed


def test_five_percent_slower_is_a_regression_with_its_numbers() -> None:
    gate = _gate(SLOWER, "latency", Rules(), make_result())
    assert (gate.verdict, gate.passed) == ("regression", False)
    assert gate.text == "1.05 ms (estimated) against 1 ms: +5 %, more than 3 %"
    assert gate.change == pytest.approx(0.05)


def test_a_greater_tolerance_lets_it_pass() -> None:
    assert _gate(SLOWER, "latency", Rules(tolerance=0.06), make_result()).verdict == "same"


def test_less_flash_is_an_improvement() -> None:
    gate = _gate(with_memory(make_result(), flash_bytes=15_000), "flash", Rules(), make_result())
    assert (gate.verdict, gate.passed) == ("improvement", True)


def test_what_noise_hides_passes_unless_strict() -> None:
    noisy = make_result([1e-3, 2e-3, 1.5e-3, 0.9e-3, 3e-3], "measured")
    again = make_result([1.1e-3, 1.9e-3, 1.6e-3, 0.8e-3, 3.1e-3], "measured")
    gate = _gate(noisy, "latency", Rules(), again)
    assert (gate.verdict, gate.passed) == ("cannot tell", True)
    assert "5 and 5 runs" in gate.text
    assert not _gate(noisy, "latency", Rules(strict=True), again).passed


def test_energy_is_compared_by_its_windows() -> None:
    before = changed(make_result(), energy=make_energy([1.00e-3, 1.01e-3, 0.99e-3, 1.0e-3, 1.0e-3]))
    after = changed(make_result(), energy=make_energy([1.20e-3, 1.21e-3, 1.19e-3, 1.2e-3, 1.2e-3]))
    assert _gate(after, "energy", Rules(), before).verdict == "regression"
    assert _gate(before, "energy", Rules(), before).verdict == "same"
    assert _gate(make_result(), "energy", Rules(), before).verdict == "cannot tell"


@pytest.mark.parametrize(
    ("result", "gate", "allowance"),
    [
        (
            changed(
                make_result(),
                output=OutputRecord(crc32="00", bit_exact=False, oracle="o"),
            ),
            "output",
            "wrong-output",
        ),
        (changed(make_result(), host=make_host(valid=False)), "host", "throttled"),
        (
            changed(make_result(), energy=make_energy([1e-3] * 5, complete=False)),
            "meter",
            "incomplete-energy",
        ),
    ],
)
def test_an_unsound_result_fails_unless_allowed(result: Result, gate: str, allowance: str) -> None:
    assert _gate(result, gate, Rules()).verdict == "unsound"
    assert not check_subject(subject_of(result), Rules()).passed
    allowed = Rules(allowed=frozenset([allowance]))
    assert _gate(result, gate, allowed).verdict == "allowed"
    assert check_subject(subject_of(result), allowed).passed


def test_an_output_that_was_not_compared_fails_where_strict() -> None:
    output = OutputRecord(crc32="00", bit_exact=None, oracle=None)
    result = changed(make_result(), output=output)
    assert _gate(result, "output", Rules()).passed
    assert not _gate(result, "output", Rules(strict=True)).passed


def test_one_input_that_differs_fails_the_validation() -> None:
    wrong = ValidationRecord(inputs=100, matched=99, oracle="edgeq")
    subject = Subject("report.json", make_result(), validation=wrong)
    assert _gate(subject, "validation", Rules()).verdict == "unsound"


def test_every_difference_to_the_baseline_is_named() -> None:
    result = make_result()
    board = BoardRecord(
        id="other", core="cortex-m0plus", clock_hz=1, kind="mcu", verified="hardware"
    )
    model = ModelRecord(name="tiny", sha256="cd" * 32, bytes=1, macs=1)
    engine = EngineRecord(name="tflm", version="0", options={})
    other = changed(make_result([1e-3], "measured"), board=board, model=model, engine=engine)
    found = find_differences(other, result, _evaluation(0.9), _evaluation(0.9, "auc"))
    assert list(found) == ["model", "board", "engine", "kind", "data"]
    assert find_differences(result, result) == {}


def test_a_later_version_of_the_engine_is_no_difference() -> None:
    result = make_result()
    later = EngineRecord(name="aot", version="9", options=result.engine.options)
    assert find_differences(changed(result, engine=later), result) == {}


def test_the_memory_of_a_process_is_one_figure_with_noise() -> None:
    host = changed(make_result(), host=make_host(valid=True))
    more = with_memory(host, ram_bytes=7000)
    assert _gate(more, "ram", Rules(), host).verdict == "cannot tell"
    assert not _gate(more, "ram", Rules({"ram": 6999})).passed
    assert _gate(with_memory(host, ram_bytes=0), "ram", Rules({"ram": 1})).verdict == "missing"
