"""A Linux board: what ran the model there, and in which state the machine was."""

from __future__ import annotations

from edgeq.core.records.base import Record


class HostState(Record, frozen=True, kw_only=True):
    """The machine's state at one moment; None where it does not tell.

    `throttled` names the flags that are set now or were since boot.
    """

    governor: str | None = None
    frequency_hz: int | None = None
    temperature_c: float | None = None
    throttled: tuple[str, ...] | None = None


class ScalingRecord(Record, frozen=True, kw_only=True):
    """The measured latency with this many threads."""

    threads: int
    median_s: float
    p95_s: float


class HostRecord(Record, frozen=True, kw_only=True):
    """The machine, the interpreter and its settings, and the state before and after the runs.

    `valid` is false where the machine throttled during the runs. `cold_start_s` is from an empty
    process to the first output; `load_s` the model's loading and allocation alone. XNNPACK runs
    `delegated` of the model's `operators`, None where the interpreter does not tell. `features`
    are the processor's instructions for neural networks, as /proc/cpuinfo names them.
    """

    machine: str
    cpu: str
    cpus: int
    kernel: str
    python: str
    runtime: str
    runtime_version: str
    threads: int
    xnnpack: bool
    cold_start_s: float
    load_s: float
    first_inference_s: float
    before: HostState
    after: HostState
    valid: bool = True
    operators: int | None = None
    delegated: int | None = None
    scaling: tuple[ScalingRecord, ...] = ()
    features: tuple[str, ...] = ()
