"""Why one model is slower than another on the same board: figures turned into findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from edgeq.bench.statistics import summarise
from edgeq.core.records import ComparisonRecord, LayerRecord, OperatorGroup, Result, ScalingRecord
from edgeq.core.units import format_bytes, format_seconds

CONVERSIONS = frozenset({"QUANTIZE", "DEQUANTIZE", "CAST"})
# Medians that lie closer than this many median absolute deviations are not told apart.
SPREADS = 3.0
VECTORS = frozenset({"neon", "asimd", "sse4_1", "avx2"})
DOT_PRODUCTS = frozenset({"asimddp", "i8mm", "avx512_vnni", "avx_vnni"})
LARGE = 1.05


def compare_results(first: Result, second: Result) -> ComparisonRecord:
    """Return the comparison of two results of one board and one session."""
    return ComparisonRecord(
        first=first,
        second=second,
        ratio=first.latency.median_s / second.latency.median_s,
        groups=(*group_layers(first), *group_layers(second)),
        findings=tuple(text for find in FINDINGS for text in find(first, second)),
    )


def group_layers(result: Result) -> tuple[OperatorGroup, ...]:
    """Return the result's operators by type, the type that takes the most time first."""
    names = dict.fromkeys(layer.op for layer in result.layers)
    groups = [_group(result, op, [x for x in result.layers if x.op == op]) for op in names]
    return tuple(sorted(groups, key=lambda group: -(group.time_s or 0.0)))


def _group(result: Result, op: str, layers: Sequence[LayerRecord]) -> OperatorGroup:
    times = [layer.time_s for layer in layers if layer.time_s is not None]
    flags = [layer.delegated for layer in layers if layer.delegated is not None]
    return OperatorGroup(
        model=result.model.name,
        op=op,
        operators=len(layers),
        delegated=sum(flags) if flags else None,
        macs=sum(layer.macs for layer in layers),
        time_s=sum(times) if times else None,
        traffic_bytes=sum(layer.traffic_bytes or 0 for layer in layers),
    )


def _find_winner(first: Result, second: Result) -> Iterator[str]:
    slow, fast = _order(first, second)
    a, b = slow.latency.median_s, fast.latency.median_s
    noise = SPREADS * max(_spread(slow), _spread(fast))
    if a - b <= noise:
        yield (
            f"{slow.model.name} and {fast.model.name} take the same time as far as this run can "
            f"tell: {format_seconds(a)} and {format_seconds(b)}, spread {format_seconds(noise)}"
        )
    else:
        yield (
            f"{slow.model.name} takes {a / b:.2f} times as long as {fast.model.name}: "
            f"{format_seconds(a)} against {format_seconds(b)} (medians, measured)"
        )


def _find_fallen(first: Result, second: Result) -> Iterator[str]:
    """Name the operators that XNNPACK does not run, and what they cost."""
    for result in _order(first, second):
        fallen = [layer for layer in result.layers if layer.delegated is False]
        if not fallen or result.host is None or not result.host.xnnpack:
            continue
        yield (
            f"XNNPACK runs {len(result.layers) - len(fallen)} of {len(result.layers)} operators "
            f"of {result.model.name}; {_names(fallen)} fell off to built-in kernels"
            f"{_share(result, fallen)}"
        )


def _find_runtime(first: Result, second: Result) -> Iterator[str]:
    """Say where the runtime's XNNPACK takes one of the models and none of the other."""
    shares = [(r, r.host.delegated) for r in (first, second) if r.host and r.host.xnnpack]
    left = [r for r, delegated in shares if delegated == 0]
    if len(left) == 1 and any(delegated for _, delegated in shares):
        engine = left[0].engine
        yield (
            f"{engine.name} {engine.version} was built with an XNNPACK that takes no operator of "
            f"{left[0].model.name}: a newer ai-edge-litert may take them"
        )


def _find_dot_products(first: Result, second: Result) -> Iterator[str]:
    """Say where the processor has no instruction that would make int8 faster than float32."""
    slow, fast = _order(first, second)
    features = frozenset(slow.host.features) if slow.host else frozenset[str]()
    integer = _sum_bytes(slow) < _sum_bytes(fast)
    if integer and features & VECTORS and not features & DOT_PRODUCTS:
        yield (
            "the processor has no int8 dot product (asimddp, i8mm, VNNI): it multiplies no more "
            "int8 values at once than it needs instructions to widen them, so int8 saves memory "
            "here, not time"
        )


def _find_conversions(first: Result, second: Result) -> Iterator[str]:
    for result in (first, second):
        layers = [layer for layer in result.layers if layer.op in CONVERSIONS]
        if layers:
            yield f"{result.model.name} converts types: {_names(layers)}{_share(result, layers)}"


def _find_costliest(first: Result, second: Result) -> Iterator[str]:
    """Name the operator type in which the slower model loses the most."""
    slow, fast = _order(first, second)
    mine = {group.op: group.time_s or 0.0 for group in group_layers(slow)}
    other = {group.op: group.time_s or 0.0 for group in group_layers(fast)}
    gaps = {op: time - other.get(op, 0.0) for op, time in mine.items()}
    op = max(gaps, key=lambda name: gaps[name], default="")
    if op and gaps[op] > 0:
        yield (
            f"most of the difference is in {op}: {format_seconds(mine[op])} in "
            f"{slow.model.name}, {format_seconds(other.get(op, 0.0))} in {fast.model.name}"
        )


def _find_scaling(first: Result, second: Result) -> Iterator[str]:
    for result in (first, second):
        scaling = result.host.scaling if result.host else ()
        if len(scaling) > 1:
            one, best = scaling[0], min(scaling[1:], key=lambda s: s.median_s)
            yield f"{result.model.name} {_gain(one, best)}"


def _gain(one: ScalingRecord, best: ScalingRecord) -> str:
    gain = one.median_s / best.median_s
    if gain < LARGE:
        return (
            f"gains nothing from more threads: {format_seconds(best.median_s)} with "
            f"{best.threads}, {format_seconds(one.median_s)} with {one.threads}"
        )
    return f"is {gain:.2f} times as fast with {best.threads} threads as with {one.threads}"


def _find_traffic(first: Result, second: Result) -> Iterator[str]:
    moved = [_sum_bytes(result) for result in (first, second)]
    if all(moved):
        yield (
            f"memory traffic of one inference, summed over the operators: "
            f"{format_bytes(moved[0])} in {first.model.name}, {format_bytes(moved[1])} in "
            f"{second.model.name}; constants {format_bytes(first.memory.constant_bytes)} and "
            f"{format_bytes(second.memory.constant_bytes)}"
        )


FINDINGS: tuple[Callable[[Result, Result], Iterator[str]], ...] = (
    _find_winner,
    _find_fallen,
    _find_runtime,
    _find_costliest,
    _find_dot_products,
    _find_conversions,
    _find_scaling,
    _find_traffic,
)


def _order(first: Result, second: Result) -> tuple[Result, Result]:
    """Return the slower one, then the faster one."""
    return (first, second) if first.latency.median_s >= second.latency.median_s else (second, first)


def _sum_bytes(result: Result) -> int:
    return sum(layer.traffic_bytes or 0 for layer in result.layers)


def _spread(result: Result) -> float:
    return summarise(result.latency.samples_s).mad if result.latency.samples_s else 0.0


def _names(layers: Sequence[LayerRecord]) -> str:
    counts: dict[str, int] = {}
    for layer in layers:
        counts[layer.op] = counts.get(layer.op, 0) + 1
    return ", ".join(op if n == 1 else f"{n} {op}" for op, n in counts.items())


def _share(result: Result, layers: Sequence[LayerRecord]) -> str:
    """Return ', 12 % of its time', '' where the operators were not timed."""
    total = sum(layer.time_s or 0.0 for layer in result.layers)
    part = sum(layer.time_s or 0.0 for layer in layers)
    return f", {part / total:.0%} of its time" if total else ""
