"""Charts as inline SVG: no script, no network. Sizes are in the SVG's own units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

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


def _text(x: float, y: float, words: str, anchor: str, kind: str = "") -> str:
    short = words if len(words) <= 36 else f"{words[:33]}..."
    attribute = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{attribute}>{escape(short)}</text>'


def _svg(lines: Sequence[str], height: float, label: str) -> str:
    body = "\n".join(lines)
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{label}">\n{body}\n</svg>'
    )
