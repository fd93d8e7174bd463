"""Charts as inline SVG: no script, no network. Sizes are in the SVG's own units."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log10

from edgeq.core.records import PlannedTensor, PowerPlot, RegionUse
from edgeq.core.units import format_bytes, format_quantity, format_seconds

WIDTH = 860
LABEL = 250
_ROW = 22
_REGION = 72


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its name, its length in any unit, and what stands at its end."""

    name: str
    value: float
    text: str


def bar_chart(bars: Sequence[Bar]) -> str:
    """Return horizontal bars, a line each, the longest as wide as there is room."""
    most = max((b.value for b in bars), default=0.0) or 1.0
    room = WIDTH - LABEL - 150
    lines = []
    for i, bar in enumerate(bars):
        y = i * _ROW
        length = max(1.0, room * max(bar.value, 0.0) / most)
        lines.append(_text(LABEL - 10, y + 15, bar.name, "end"))
        lines.append(_rect("bar", LABEL, y + 4, length, 14))
        lines.append(_text(LABEL + length + 8, y + 15, bar.text, "start", "dim"))
    return _svg(lines, len(bars) * _ROW + 4, "bars")


@dataclass(frozen=True, slots=True)
class Usage:
    """A memory region and what fills it: (name, bytes), from the region's start on."""

    region: RegionUse
    parts: tuple[tuple[str, int], ...]


def region_chart(usages: Sequence[Usage]) -> str:
    """Return each region as a track filled as far as it is used, and its contents enlarged."""
    lines = []
    room = WIDTH - LABEL - 190
    for i, usage in enumerate(usages):
        region, y = usage.region, i * _REGION
        lines.append(_text(LABEL - 10, y + 18, f"{region.region} at {region.start:#010x}", "end"))
        lines.append(_rect("track", LABEL, y + 4, room, 18))
        share = min(1.0, region.used / max(1, region.size))
        lines.append(_rect("bar", LABEL, y + 4, max(2.0, room * share), 18))
        used = f"{format_bytes(region.used)} of {format_bytes(region.size)}"
        lines.append(_text(LABEL + room + 10, y + 18, used, "start", "dim"))
        lines += _contents(usage, y + 28, room)
    return _svg(lines, len(usages) * _REGION, "memory regions")


def _contents(usage: Usage, y: float, room: float) -> Iterator[str]:
    """Yield the parts side by side over the whole width, with their names below."""
    total = max(1, sum(size for _, size in usage.parts))
    x = float(LABEL)
    for i, (name, size) in enumerate(usage.parts):
        width = room * size / total
        yield _rect(f"part{i % 3}", x, y, max(1.0, width - 1), 12)
        words = f"{name} {format_bytes(size)}"
        if width > 6.5 * len(words):
            yield _text(x, y + 27, words, "start", "dim")
        x += width


def _rect(kind: str, x: float, y: float, width: float, height: float) -> str:
    return (
        f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
        f'height="{height:.1f}" rx="2"/>'
    )


def arena_chart(tensors: Sequence[PlannedTensor], layers: int, arena_bytes: int) -> str:
    """Return tensors as rectangles: layers from left to right, offsets from the bottom up."""
    height, left = 300.0, 70.0
    step = (WIDTH - left - 10) / max(1, layers)
    scale = height / max(1, arena_bytes)
    lines = [
        _text(left - 8, 12, format_bytes(arena_bytes), "end", "dim"),
        _text(left - 8, height, "0 B", "end", "dim"),
    ]
    for tensor in tensors:
        x = left + tensor.first * step
        y = height - (tensor.offset + tensor.bytes) * scale
        width = (tensor.last - tensor.first + 1) * step - 1
        tall = max(1.0, tensor.bytes * scale - 1)
        title = escape(f"{tensor.name}: {format_bytes(tensor.bytes)} at {tensor.offset}")
        lines.append(
            f'<rect class="tensor" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
            f'height="{tall:.1f}" rx="2"><title>{title}</title></rect>'
        )
        if width > 60 and tall > 13:
            words = format_bytes(tensor.bytes)
            lines.append(_text(x + width / 2, y + tall / 2 + 4, words, "middle", "inner"))
    lines += _layer_marks(layers, left, step, height)
    return _svg(lines, height + 24, "memory over time")


def _layer_marks(layers: int, left: float, step: float, height: float) -> Iterator[str]:
    every = max(1, layers // 16)
    for layer in range(0, layers, every):
        yield _text(left + (layer + 0.5) * step, height + 18, str(layer), "middle", "dim")


def power_chart(plot: PowerPlot) -> str:
    """Return the least and most power of each step as a band, the measured windows shaded."""
    left, top, height = 80.0, 8.0, 200.0
    steps = len(plot.high_w)
    most, least = max(plot.high_w), min(0.0, *plot.low_w)
    scale = height / ((most - least) or 1.0)
    step = (WIDTH - left - 10) / steps

    def x_at(seconds: float) -> float:
        return left + (seconds - plot.start_s) / plot.step_s * step

    def y_at(watts: float) -> float:
        return top + (most - watts) * scale

    shades = [("gate", a, b) for a, b in plot.gates] + [("rest", a, b) for a, b in plot.idle]
    lines = [_rect(kind, x_at(a), top, x_at(b) - x_at(a), height) for kind, a, b in shades]
    middles = [left + (i + 0.5) * step for i in range(steps)]
    # A band of no height would not be seen.
    upper = [f"{x:.1f},{y_at(w) - 0.5:.1f}" for x, w in zip(middles, plot.high_w, strict=True)]
    lower = [f"{x:.1f},{y_at(w) + 0.5:.1f}" for x, w in zip(middles, plot.low_w, strict=True)]
    lines.append(f'<polygon class="bar" points="{" ".join([*upper, *reversed(lower)])}"/>')
    for share in (0.0, 0.5, 1.0):
        watts, seconds = least + share * (most - least), share * plot.step_s * steps
        words = format_quantity(watts, "W")
        lines.append(_text(left - 8, y_at(watts) + 4, words, "end", "dim"))
        moment = format_seconds(plot.start_s + seconds)
        anchor = {0.0: "start", 0.5: "middle", 1.0: "end"}[share]
        lines.append(_text(x_at(plot.start_s + seconds), top + height + 18, moment, anchor, "dim"))
    return _svg(lines, top + height + 26, "power over time")


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a scatter chart: both values above 0; `title` shows under the pointer."""

    x: float
    y: float
    group: str
    title: str
    best: bool = False


@dataclass(frozen=True, slots=True)
class Axis:
    """A logarithmic axis: its name, how a value is written, and in which unit it is round."""

    name: str
    text: Callable[[float], str]
    unit: float = 1.0


COLORS = 6  # classes group0 to group5 of SCATTER_STYLE
# What a page with a scatter chart adds to its style; colours by Okabe and Ito, Color Universal
# Design (2008).
SCATTER_STYLE = """\
.grid { stroke: var(--line); }
circle { fill-opacity: 0.55; }
circle.best { fill-opacity: 1; stroke: var(--ink); stroke-width: 2; }
.group0 { fill: #0072b2; }
.group1 { fill: #e69f00; }
.group2 { fill: #009e73; }
.group3 { fill: #cc79a7; }
.group4 { fill: #56b4e9; }
.group5 { fill: #d55e00; }"""
_LEFT, _BOTTOM, _HEIGHT, _LEGEND = 80.0, 330.0, 390.0, 170.0


def scatter_chart(points: Sequence[Point], x: Axis, y: Axis) -> str:
    """Return points on two logarithmic axes, a colour a group; the best are ringed."""
    right = WIDTH - _LEGEND
    place_x = _scale([p.x for p in points], _LEFT, right)
    place_y = _scale([p.y for p in points], _BOTTOM, 20.0)
    lines = []
    for value in _ticks([p.x for p in points], x.unit):
        at = place_x(value)
        lines += [_line(at, 20, at, _BOTTOM), _text(at, _BOTTOM + 18, x.text(value), "middle")]
    for value in _ticks([p.y for p in points], y.unit):
        at = place_y(value)
        lines += [_line(_LEFT, at, right, at), _text(_LEFT - 8, at + 4, y.text(value), "end")]
    lines.append(_text((_LEFT + right) / 2, _BOTTOM + 42, x.name, "middle", "dim"))
    lines.append(_text(_LEFT, 12, y.name, "middle", "dim"))
    groups = list(dict.fromkeys(p.group for p in points))
    for i, group in enumerate(groups):
        lines.append(_dot(right + 24, 30 + 20 * i, f"group{i % COLORS}", group))
        lines.append(_text(right + 36, 34 + 20 * i, group, "start"))
    for p in sorted(points, key=lambda p: p.best):
        kind = f"group{groups.index(p.group) % COLORS}" + (" best" if p.best else "")
        lines.append(_dot(place_x(p.x), place_y(p.y), kind, p.title))
    height = max(_HEIGHT, 40 + 20 * len(groups))
    return _svg(lines, height, f"{y.name} against {x.name}")


def _scale(values: Sequence[float], start: float, stop: float) -> Callable[[float], float]:
    """Return where on a line from `start` to `stop` a value lies, by its logarithm."""
    low, high = log10(min(values)), log10(max(values))
    margin = max(0.05, 0.06 * (high - low))
    low, high = low - margin, high + margin
    return lambda value: start + (stop - start) * (log10(value) - low) / (high - low)


def _ticks(values: Sequence[float], unit: float) -> list[float]:
    """Return round multiples of the unit between the least and the most, or these two."""
    low, high = min(values) / unit, max(values) / unit
    decades = range(floor(log10(low)), floor(log10(high)) + 1)
    for steps in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7)):
        found = [s * 10.0**d for d in decades for s in steps if low <= s * 10.0**d <= high]
        if len(found) >= 3:
            return [value * unit for value in found]
    return sorted({low * unit, high * unit})


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="grid" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _dot(x: float, y: float, kind: str, title: str) -> str:
    words = f"<title>{escape(title)}</title>"
    return f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="5">{words}</circle>'


def _text(x: float, y: float, words: str, anchor: str, kind: str = "") -> str:
    short = words if len(words) <= 36 else f"{words[:33]}..."
    attribute = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{attribute}>{escape(short)}</text>'


def _svg(lines: Sequence[str], height: float, label: str) -> str:
    body = "\n".join(lines)
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{label}">\n{body}\n</svg>'
    )
