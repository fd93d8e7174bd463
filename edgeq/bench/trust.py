"""Is a result worth checking, and is it of the same thing as its baseline?"""

from __future__ import annotations

from collections.abc import Iterator

from edgeq.core.records import EvaluationRecord, GateRecord, Result, ValidationRecord

WRONG_OUTPUT, THROTTLED, INCOMPLETE = "wrong-output", "throttled", "incomplete-energy"
ALLOWANCES = (WRONG_OUTPUT, THROTTLED, INCOMPLETE)
DIFFERENCES = ("model", "board", "engine", "kind", "data")


def check_trust(
    result: Result,
    validation: ValidationRecord | None,
    allowed: frozenset[str],
    strict: bool,
) -> Iterator[GateRecord]:
    """Yield what makes a result sound or not: its bytes, its host's state, its energy's samples.

    Args:
        allowed: names of `ALLOWANCES` that do not fail.
        strict: an output that was not compared fails too.
    """
    output = result.output
    if output.bit_exact is None:
        text = "the output was not compared with an oracle"
        yield GateRecord(gate="output", verdict="cannot tell", passed=not strict, text=text)
    else:
        words = "equals" if output.bit_exact else "differs from"
        text = f"the output {words} that of {output.oracle or 'the oracle'}"
        yield _judge("output", output.bit_exact, text, WRONG_OUTPUT, allowed)
    if validation is not None:
        sound = validation.matched == validation.inputs
        text = f"{validation.matched} of {validation.inputs} inputs gave the oracle's bytes"
        yield _judge("validation", sound, text, WRONG_OUTPUT, allowed)
    if result.host is not None:
        words = "did not throttle" if result.host.valid else "throttled"
        text = f"the machine {words} during the runs"
        yield _judge("host", result.host.valid, text, THROTTLED, allowed)
    energy = result.energy
    if energy is not None and (energy.meter is not None or not energy.complete):
        words = "recorded to the end" if energy.complete else "was lost in mid-run"
        text = f"the meter ({energy.meter.name if energy.meter else energy.source}) {words}"
        yield _judge("meter", energy.complete, text, INCOMPLETE, allowed)


def _judge(gate: str, sound: bool, text: str, name: str, allowed: frozenset[str]) -> GateRecord:
    if sound:
        return GateRecord(gate=gate, verdict="sound", passed=True, text=text)
    if name in allowed:
        return GateRecord(gate=gate, verdict="allowed", passed=True, text=f"{text} (allowed)")
    return GateRecord(gate=gate, verdict="unsound", passed=False, text=text)


def find_differences(
    result: Result,
    baseline: Result,
    evaluation: EvaluationRecord | None = None,
    earlier: EvaluationRecord | None = None,
) -> dict[str, str]:
    """Return what of `DIFFERENCES` is not the same in both, with both values in words.

    An engine is its name and options; its version may differ, since that is often what is checked.
    """
    pairs: dict[str, tuple[str, str]] = {
        "model": (_model(result), _model(baseline)),
        "board": (_board(result), _board(baseline)),
        "engine": (_engine(result), _engine(baseline)),
        "kind": (result.latency.kind, baseline.latency.kind),
    }
    if evaluation is not None and earlier is not None:
        pairs["data"] = (_data(evaluation), _data(earlier))
    return {name: f"{a}, not {b}" for name, (a, b) in pairs.items() if a != b}


def _model(result: Result) -> str:
    return f"{result.model.name} ({result.model.sha256[:12]})"


def _board(result: Result) -> str:
    return f"{result.board.id} at {result.board.clock_hz / 1e6:g} MHz"


def _engine(result: Result) -> str:
    options = ", ".join(f"{k}={v}" for k, v in sorted(result.engine.options.items()))
    return f"{result.engine.name} ({options})" if options else result.engine.name


def _data(evaluation: EvaluationRecord) -> str:
    return f"{evaluation.metric} of {evaluation.samples} samples of {evaluation.dataset}"
