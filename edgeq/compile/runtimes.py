"""Which version of TensorFlow Lite Micro can run a model, checked before it is flashed.

The project makes no releases, so a version is a day, a commit or a package that carries it. The
table is edgeq/compile/micro/history.py.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Literal, NamedTuple

from edgeq.compile.micro import history
from edgeq.compile.micro.history import Change
from edgeq.compile.micro.kernels import ETHOS_U, name_of
from edgeq.core.errors import UsageError, did_you_mean
from edgeq.core.records import Record
from edgeq.graph.ir import Graph, Node, Tensor

Effect = Literal["wrong", "fails", "unsure"]


class RuntimeProblem(Record, frozen=True, kw_only=True):
    """What a version of TensorFlow Lite Micro does not do right with one operator.

    `effect`: wrong (it computes other values and says nothing), fails (the build or
    AllocateTensors says so) or unsure. `layer` is the name of the operator's output.
    """

    node: int
    op: str
    layer: str
    effect: Effect
    reason: str
    source: str

    def __str__(self) -> str:
        return f"operators[{self.node}] ({self.op}, {self.layer}): {self.reason} [{self.source}]"


class Runtime(NamedTuple):
    """A version: what upstream had on `day`; `package` is empty for upstream itself."""

    name: str
    day: date
    package: str = ""


class Finding(NamedTuple):
    """One thing that is wrong with a node."""

    effect: Effect
    reason: str
    source: str


Check = Callable[[Graph, Node, Runtime], Iterator[Finding]]


def check_runtime(graph: Graph, version: str) -> tuple[RuntimeProblem, ...]:
    """Return what a version of TensorFlow Lite Micro would not do right with `graph`.

    Args:
        version: as `find_runtime` takes it.

    Raises:
        UsageError: the version is not known.
    """
    runtime = find_runtime(version)
    return tuple(
        RuntimeProblem(
            node=node.index,
            op=name_of(node),
            layer=graph.tensor(node.outputs[0]).name if node.outputs else "",
            effect=finding.effect,
            reason=finding.reason,
            source=finding.source,
        )
        for node in graph.nodes
        for check in CHECKS
        for finding in check(graph, node, runtime)
    )


def find_runtime(version: str) -> Runtime:
    """Return the runtime that `version` means.

    A version is a day (2024-06-01), a commit that the table names (47b545074) or a package:
    esp-tflite-micro@1.3.2, zephyr@20240627, tflite-micro@0.dev20250101, or
    Arduino_TensorFlowLite@2.4.0-ALPHA.

    Raises:
        UsageError: it is none of these.
    """
    wanted = re.sub(r"[@=\s]+", "@", version.strip().lower().replace("_", "-"))
    wanted = wanted.removeprefix("espressif/")
    for find in (_day, _commit, _python_package, _release):
        if found := find(wanted):
            return found._replace(name=version)
    known = [f"{r.package}@{r.version}" for r in history.RELEASES]
    raise UsageError(
        f"{version!r} is no version of TensorFlow Lite Micro that edgeq knows."
        f"{did_you_mean(wanted, known)}",
        hint="give the day of your copy (2024-06-01), a commit of the table in docs/tflm.md, "
        "or a package such as esp-tflite-micro@1.3.2",
    )


def _day(wanted: str) -> Runtime | None:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", wanted):
        return None
    try:
        return Runtime(wanted, date.fromisoformat(wanted))
    except ValueError:
        return None


def _commit(wanted: str) -> Runtime | None:
    if not re.fullmatch(r"[0-9a-f]{7,40}", wanted):
        return None
    known = history.commits().items()
    days = [d for c, d in known if c.startswith(wanted) or wanted.startswith(c)]
    return Runtime(wanted, days[0]) if days else None


def _python_package(wanted: str) -> Runtime | None:
    found = re.fullmatch(r"(?:tflite-micro@)?0\.dev(\d{4})(\d\d)(\d\d)\d*(?:-g[0-9a-f]+)?", wanted)
    return _day("-".join(found.groups())) if found else None


def _release(wanted: str) -> Runtime | None:
    for release in history.RELEASES:
        version = release.version.removeprefix(f"{release.package}-")
        if wanted in (f"{release.package}@{version}", f"{release.package}-{version}"):
            return Runtime(wanted, release.day, release.package)
    return None


# --- the checks ----------------------------------------------------------------------------------


def _late(change: Change | None, runtime: Runtime, what: str) -> Iterator[Finding]:
    """Find that `what` came after the runtime, or not at all (None)."""
    if change is None:
        yield Finding("fails", f"no version up to {history.END} has {what}", str(history.LAST))
    elif runtime.day < change.day and change is history.FIRST:
        reason = f"{what} is there since {change.day} or before; {runtime.name} is older"
        yield Finding("unsure", reason, str(change))
    elif runtime.day < change.day:
        yield Finding("fails", f"{what} came on {change.day}, after {runtime.name}", str(change))


def _operator(graph: Graph, node: Node, runtime: Runtime) -> Iterator[Finding]:
    op = name_of(node)
    if op in history.ARDUINO_MISSING and runtime.package == history.ARDUINO:
        yield Finding("fails", f"{runtime.name} has no {op}", history.ARDUINO_MISSING[op])
    elif node.op == "CUSTOM" and op != ETHOS_U:
        yield Finding("unsure", "a custom operator: register its kernel yourself", "the model")
    elif node.op != "CUSTOM":
        yield from _late(history.OPERATORS.get(op), runtime, f"{op}")


def _type(graph: Graph, node: Node, runtime: Runtime) -> Iterator[Finding]:
    dtype = _activation_type(graph, node)
    change = history.TYPES.get((node.op, dtype), history.FIRST)
    if change is not history.FIRST:
        yield from _late(change, runtime, f"{node.op} of {dtype}")


def _activation_type(graph: Graph, node: Node) -> str:
    """Return the type of the first input that the model computes, '' for none."""
    sources = [graph.tensor(i) for i in node.inputs if i >= 0]
    return next((t.dtype for t in sources if not t.is_constant), "")


def _int4(graph: Graph, node: Node, runtime: Runtime) -> Iterator[Finding]:
    if node.op in history.INT4_WEIGHTS and graph.tensor(node.inputs[1]).dtype == "int4":
        yield from _late(history.INT4_WEIGHTS[node.op], runtime, f"{node.op} with int4 weights")


def _per_channel(graph: Graph, node: Node, runtime: Runtime) -> Iterator[Finding]:
    if node.op != "FULLY_CONNECTED":
        return
    weights = graph.tensor(node.inputs[1])
    if weights.quantization is None or not weights.quantization.per_channel:
        return
    what = "FULLY_CONNECTED with a scale for each channel"
    if runtime.day < history.PER_CHANNEL_REFUSED.day:
        reason = f"{what} was computed with the first scale alone: other values, and no error"
        yield Finding("wrong", reason, str(history.PER_CHANNEL_REFUSED))
    elif runtime.day < history.PER_CHANNEL_COMPUTED.day:
        yield from _late(history.PER_CHANNEL_COMPUTED, runtime, what)
    elif runtime.package == "esp-tflite-micro":
        yield from _esp_nn(weights, runtime)
    if _activation_type(graph, node) == "int16":
        yield from _late(history.PER_CHANNEL_COMPUTED_16X8, runtime, f"int16 {what}")


def _esp_nn(weights: Tensor, runtime: Runtime) -> Iterator[Finding]:
    if runtime.day < history.ESP_PER_CHANNEL:
        reason = f"ESP-NN took one scale for all channels until {history.ESP_PER_CHANNEL}"
        yield Finding("wrong", reason, history.ESP_PER_CHANNEL_SOURCE)
    elif any(size % history.ESP_MULTIPLE for size in weights.shape):
        reason = (
            f"on ESP32-S3, ESP-NN is for multiples of {history.ESP_MULTIPLE}: check the outputs"
        )
        yield Finding("unsure", reason, history.ESP_MULTIPLE_SOURCE)


def _bias(graph: Graph, node: Node, runtime: Runtime) -> Iterator[Finding]:
    if node.op != "CONV_2D" or _activation_type(graph, node) != "int16":
        return
    if any(graph.tensor(i).dtype == "int32" for i in node.inputs[2:] if i >= 0):
        yield from _late(history.INT32_BIAS_16X8, runtime, "int16 CONV_2D with int32 bias")


def _sums(graph: Graph, node: Node, runtime: Runtime) -> Iterator[Finding]:
    change = history.SUMMED_IN_64_BITS_16X8
    weighted = node.op in ("CONV_2D", "FULLY_CONNECTED")
    if not weighted or _activation_type(graph, node) != "int16" or runtime.day >= change.day:
        return
    products = math.prod(graph.tensor(node.inputs[1]).shape[1:])
    if not any(i >= 0 for i in node.inputs[2:]) and products >= history.SUM_LIMIT_16X8:
        reason = f"{products:,} products without a bias are summed in 32 bits, which can overflow"
        yield Finding("unsure", f"{reason}, until {change.day}", str(change))


def _absent_bias(graph: Graph, node: Node, runtime: Runtime) -> Iterator[Finding]:
    if node.op == "DEPTHWISE_CONV_2D" and node.inputs[2:] == (-1,):
        reason = "an absent bias written as -1 stops AllocateTensors: leave it out, or give zeros"
        yield Finding("fails", reason, f"run with {history.LAST}")


CHECKS: tuple[Check, ...] = (_operator, _type, _int4, _per_channel, _bias, _sums, _absent_bias)


def version_table() -> str:
    """Return the whole table as Markdown, for the documentation."""
    rows: list[tuple[str, Change | None]] = [
        *((op, change) for op, change in history.OPERATORS.items() if change != history.FIRST),
        *((f"{op}, {dtype}", change) for (op, dtype), change in history.TYPES.items()),
        *((f"{op}, int4 weights", change) for op, change in history.INT4_WEIGHTS.items()),
        ("CONV_2D, int16 with int32 bias", history.INT32_BIAS_16X8),
        (
            "CONV_2D, FULLY_CONNECTED, int16 without bias: sums of 64 bits",
            history.SUMMED_IN_64_BITS_16X8,
        ),
        ("FULLY_CONNECTED, a scale for each channel: refused", history.PER_CHANNEL_REFUSED),
        ("FULLY_CONNECTED, a scale for each channel: computed", history.PER_CHANNEL_COMPUTED),
    ]
    rows.sort(key=lambda row: (row[1].day if row[1] else date.max, row[0]))
    lines = ["| what | since | commit |", "|-|-|-|"]
    lines += [f"| {what} | {_since(change)} |" for what, change in rows]
    lines += ["", "| package | as upstream on | source |", "|-|-|-|"]
    lines += [
        f"| {release.package}@{release.version.removeprefix('zephyr-')} | {release.day} "
        f"| {release.source} |"
        for release in history.RELEASES
    ]
    return "\n".join(lines)


def _since(change: Change | None) -> str:
    if change is None:
        return f"not up to {history.END} |"
    return f"{change.day} | {change.commit}" + (f" (#{change.pull})" if change.pull else "")
