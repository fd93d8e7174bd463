"""Whole runs on a board: one benchmark, one validation."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from edgeq.bench.budget import add_energy, refuse_unknown_currents
from edgeq.bench.inputs import ModelInput, generate_input, quantize_samples
from edgeq.bench.measurement import build_result, layer_records, measure, write_ports
from edgeq.bench.metering import meter_board, opened_meter
from edgeq.bench.oracles import find_oracle
from edgeq.bench.preparation import Prepared
from edgeq.bench.requests import BatteryPlan, MeterRequest
from edgeq.bench.tracing import open_traced
from edgeq.bench.validation import find_divergence, run_inputs
from edgeq.core.errors import ToolchainError, UsageError
from edgeq.core.records import LayerRecord, MismatchRecord, Plan, Result, ValidationRecord
from edgeq.data.dataset import Dataset
from edgeq.device.connection import open_board, runs_as_process
from edgeq.graph.variables import keeps_state


def run_bench(
    ready: Prepared,
    item: ModelInput,
    *,
    runs: int = 10,
    warmup: int = 1,
    layers: bool | None = None,
    port: str | None = None,
    oracle: str = "edgeq",
    meter: MeterRequest | None = None,
    battery: BatteryPlan | None = None,
) -> Result:
    """Measure `item` on the board.

    Args:
        layers: measure them too, with a second firmware; None where that needs no flashing.
        meter: measure energy with it; None estimates energy from the profile's figures.
        battery: work out how long this battery lasts.

    Raises:
        UsageError: the battery's life needs a current that nothing gives.
        DeviceError: the board or the meter was lost; a recording is kept in a file.
    """
    refuse_unknown_currents(battery, ready.board, meter)
    chosen = find_oracle(oracle)
    plan = ready.compiled.plan
    if layers is None:
        layers = runs_as_process(ready.board, port)
    # State is where the board's is: after the last run of all.
    sequence = [item] * (warmup + runs if keeps_state(ready.graph) else 1)
    expected = chosen.compute(ready.model, ready.graph, plan, sequence)[-1]
    energy = None
    # The meter may be what powers the board: it is closed last.
    with opened_meter(meter) as power_meter:
        with open_board(ready.board, ready.image, port=port) as session:
            measured = measure(session, item, runs=runs, warmup=warmup)
            frequency_hz = session.hello.counter_hz
            if meter is not None and power_meter is not None:
                energy = meter_board(session, power_meter, meter, ready.board)
        traced = _trace_layers(ready, item, port) if layers else ()
    result = build_result(
        plan=plan, board=ready.board, image=ready.image, measured=measured,
        frequency_hz=frequency_hz, layers=traced, expected=expected, oracle=chosen.name,
    )  # fmt: skip
    return add_energy(result, ready.board, energy, battery)


def _trace_layers(ready: Prepared, item: ModelInput, port: str | None) -> tuple[LayerRecord, ...]:
    with open_traced(ready, port) as session:
        write_ports(session, item)
        traces = session.trace(with_bytes=False)
        overhead, frequency_hz = session.stats().overhead, session.hello.counter_hz
    counters = [t.counters for t in traces]
    return layer_records(ready.compiled.plan, ready.board, counters, overhead, frequency_hz)


def collect_inputs(
    plan: Plan, dataset: Dataset | None, *, samples: int, seeds: int
) -> list[ModelInput]:
    """Return up to `samples` evaluation samples of `dataset`, and the inputs lcg:1 to lcg:`seeds`.

    Raises:
        InputError: the dataset's arrays do not fit the model's inputs.
    """
    inputs = [generate_input(plan.inputs, seed) for seed in range(1, seeds + 1)]
    if dataset is None or samples == 0:
        return inputs
    return quantize_samples(plan.inputs, dataset.samples("evaluation", samples), plan.name) + inputs


def run_validation(
    ready: Prepared,
    inputs: Sequence[ModelInput],
    *,
    port: str | None = None,
    oracle: str = "edgeq",
    on_progress: Callable[[str, float | None], None] = lambda stage, share: None,
) -> ValidationRecord:
    """Run all `inputs` on the board and compare with the oracle, byte for byte."""
    chosen = find_oracle(oracle)
    on_progress("oracle", None)
    expected = chosen.compute(ready.model, ready.graph, ready.compiled.plan, inputs)
    with open_board(ready.board, ready.image, port=port) as session:
        got = run_inputs(session, inputs, lambda share: on_progress("validate", share))
    wrong = [i for i, pair in enumerate(zip(got, expected, strict=True)) if pair[0] != pair[1]]
    return ValidationRecord(
        inputs=len(inputs),
        matched=len(inputs) - len(wrong),
        oracle=chosen.name,
        first_mismatch=_explain(ready, inputs[: wrong[0] + 1], port) if wrong else None,
    )


def _explain(
    ready: Prepared, inputs: Sequence[ModelInput], port: str | None
) -> MismatchRecord | None:
    """Find the first layer that differs at the last of `inputs`; None where the board cannot be
    flashed for it."""
    earlier = inputs[:-1] if keeps_state(ready.graph) else ()
    with contextlib.suppress(UsageError, ToolchainError), open_traced(ready, port) as session:
        return find_divergence(session, ready.graph, ready.compiled.plan, inputs[-1], earlier)
    return None
