"""A search as text, CSV and one HTML page."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from edgeq.core.errors import visible
from edgeq.core.units import format_bytes, format_count, format_seconds
from edgeq.report.charts import SCATTER_STYLE, Axis, Point, scatter_chart
from edgeq.report.html import frame, section, tile
from edgeq.report.table import Table, Tables, make_table
from edgeq.tuning.candidates import describe
from edgeq.tuning.records import Costs, Finalist, Score, TrialRecord, TuneRecord
from edgeq.tuning.request import TuneLimits

NONE = "-"
FRONT = ">#|model|>accuracy held out|>accuracy|>flash|>RAM|>latency|>misses by|"
TRIALS = ">#|candidate|verdict|>held out|>SQNR|>flash|>RAM|>latency|>took|cause"
CSV = (
    "number|candidate|verdict|metric|value|low|high|samples|sqnr_db|flash_bytes|ram_bytes|"
    "latency_s|latency_kind|bit_exact|front|seconds|cause"
)


def tune_tables(record: TuneRecord) -> Tables:
    """The front, with the choice marked, and what could not be made."""
    rows = [_front_row(record, place) for place in range(len(record.front))]
    title = f"{record.model} on {record.board}: the front of {len(record.trials)} trials"
    front = make_table(title, FRONT, rows, tuple(_notes(record)))
    failed = [t for t in record.trials if t.verdict != "ok"]
    causes = [(str(t.number), describe(t.candidate), t.verdict, t.cause or "") for t in failed]
    table = make_table("Without a result", ">#|candidate|verdict|cause", causes)
    return (front, table) if failed else (front,)


def trial_table(record: TuneRecord) -> Table:
    """Every trial in one table of plain numbers: seconds, bytes, dB."""
    front = {finalist.trial.key for finalist in record.front}
    rows = [_plain_row(trial, front=trial.key in front) for trial in record.trials]
    return make_table(record.model, CSV, rows)


def render_tune(record: TuneRecord) -> str:
    """Return the page of a search. The same record gives the same bytes."""
    fine = [t for t in record.trials if t.verdict == "ok"]
    lead = f"{record.dataset} on {record.board}: {format_count(len(record.trials))} trials"
    tiles = [
        tile("float", _score_text(record.float_score), record.float_score.metric),
        tile("trials", format_count(len(fine)), "with a result"),
        tile("front", format_count(len(record.front)), "models that no other beats"),
        _verdict_tile(record),
    ]
    body = "\n".join(_sections(record, fine))
    return frame(f"tune {record.model}", lead, tiles, body, record.edgeq_version, style=_STYLE)


def verdict(record: TuneRecord) -> str:
    """Return in a sentence what the search found."""
    if record.chosen is not None:
        finalist = record.front[record.chosen]
        words = describe(finalist.trial.candidate)
        return f"trial {finalist.trial.number} ({words}) is the cheapest that meets the limits"
    if record.closest is None:
        return "no trial gave a model"
    finalist = record.front[record.closest]
    return (
        f"no model meets the limits; trial {finalist.trial.number} "
        f"({describe(finalist.trial.candidate)}) comes closest: {miss_text(finalist, record)}"
    )


def miss_text(finalist: Finalist, record: TuneRecord) -> str:
    """Return which limits a finalist misses, and by how much."""
    trial, limits = finalist.trial, record.limits
    assert trial.score is not None
    assert trial.costs is not None
    lost = trial.score.lost_against(record.float_score)
    words = [f"loses {lost:.2f} points"] if lost > limits.max_drop else []
    for name, value, limit, text in (
        ("flash", trial.costs.flash_bytes, limits.flash_bytes, _bytes),
        ("RAM", trial.costs.ram_bytes, limits.ram_bytes, _bytes),
        ("latency", trial.costs.latency_s, limits.latency_s, format_seconds),
    ):
        if limit is not None and (value is None or value > limit):
            words.append(f"{name} {'unknown' if value is None else text(value)} of {text(limit)}")
    return ", ".join(words)


def _front_row(record: TuneRecord, place: int) -> tuple[str, ...]:
    finalist = record.front[place]
    trial = finalist.trial
    mark = {record.chosen: "chosen", record.closest: "closest"}.get(place, "")
    return (
        str(trial.number),
        describe(trial.candidate),
        _score_text(trial.score),
        _score_text(finalist.evaluation),
        *_cost_texts(trial.costs),
        f"{100 * finalist.excess:.1f} %" if finalist.excess else "meets",
        mark,
    )


def _notes(record: TuneRecord) -> Iterator[str]:
    yield verdict(record)
    yield f"limits: {limits_text(record.limits)}"
    score = record.float_score
    yield f"float {score.metric}, held out: {_score_text(score)} of {format_count(score.samples)}"
    yield "held out: samples that no trial trained on or calibrated by; the search chose by them"
    yield "accuracy: the evaluation split, which the search has not seen"
    kinds = {f.trial.costs.kind for f in record.front if f.trial.costs is not None}
    yield f"latency: {', '.join(sorted(kinds)) or NONE}; flash and RAM: linked"
    yield from record.warnings


def limits_text(limits: TuneLimits) -> str:
    """Return the limits in words."""
    words = [f"at most {limits.max_drop:g} points lost"]
    words += [f"flash {format_bytes(limits.flash_bytes)}"] if limits.flash_bytes else []
    words += [f"RAM {format_bytes(limits.ram_bytes)}"] if limits.ram_bytes else []
    words += [f"latency {format_seconds(limits.latency_s)}"] if limits.latency_s else []
    return ", ".join(words)


def _score_text(score: Score | None) -> str:
    if score is None:
        return NONE
    if score.metric == "mae":
        return f"{score.value:.4g} ({score.low:.4g} to {score.high:.4g})"
    return f"{100 * score.value:.1f} % ({100 * score.low:.1f} to {100 * score.high:.1f})"


def _cost_texts(costs: Costs | None) -> tuple[str, str, str]:
    if costs is None:
        return NONE, NONE, NONE
    latency = NONE if costs.latency_s is None else format_seconds(costs.latency_s)
    return format_bytes(costs.flash_bytes), format_bytes(costs.ram_bytes), latency


def _plain_row(trial: TrialRecord, *, front: bool) -> tuple[str, ...]:
    score, costs = trial.score, trial.costs
    scored: tuple[str, ...] = ("",) * 5
    if score is not None:
        scored = (score.metric, *map(repr, (score.value, score.low, score.high, score.samples)))
    costly: tuple[str, ...] = ("",) * 5
    if costs is not None:
        latency = "" if costs.latency_s is None else repr(costs.latency_s)
        exact = "" if costs.bit_exact is None else str(costs.bit_exact).lower()
        costly = (str(costs.flash_bytes), str(costs.ram_bytes), latency, costs.kind, exact)
    sqnr = "" if trial.sqnr_db is None else f"{trial.sqnr_db:.2f}"
    return (
        str(trial.number), describe(trial.candidate), trial.verdict, *scored, sqnr, *costly,
        str(front).lower(), f"{trial.seconds:.1f}", trial.cause or "",
    )  # fmt: skip


def _verdict_tile(record: TuneRecord) -> str:
    if record.chosen is not None:
        trial = record.front[record.chosen].trial
        return tile("chosen", f"trial {trial.number}", describe(trial.candidate), "good")
    return tile("chosen", "none", "no model meets the limits", "bad")


def _sections(record: TuneRecord, fine: list[TrialRecord]) -> Iterator[str]:
    best = {finalist.trial.key for finalist in record.front}
    points = [_point(t, ringed=t.key in best) for t in fine]
    if points:
        yield section(
            "Error against flash",
            scatter_chart(points, Axis("flash", _bytes, 1024), Axis("error", _error_text)),
            note="A colour a kind of weights; ringed: on the front of error, flash, RAM, latency.",
        )
    for table in tune_tables(record):
        yield section(table.title, "", Table("", table.columns, table.rows, table.notes))
    rows = [
        (
            str(t.number), describe(t.candidate), t.verdict, _score_text(t.score),
            NONE if t.sqnr_db is None else f"{t.sqnr_db:.1f} dB", *_cost_texts(t.costs),
            format_seconds(t.seconds), t.cause or "",
        )
        for t in record.trials
    ]  # fmt: skip
    yield section("Trials", "", make_table("", TRIALS, rows))
    for finalist in record.front:
        words = escape(visible(finalist.recipe))
        title = f"Recipe of trial {finalist.trial.number}"
        yield section(title, f"<pre>{words}</pre>")


def _point(trial: TrialRecord, *, ringed: bool) -> Point:
    assert trial.score is not None
    assert trial.costs is not None
    candidate, score = trial.candidate, trial.score
    error = 1 - score.value if score.higher_is_better else score.value
    # No error among n samples: drawn where half a sample would be wrong.
    shown = max(error, 0.5 / score.samples)
    narrow = "int4" if candidate.narrow else "int8"
    group = candidate.codebook if candidate.codebook != "none" else narrow
    title = f"{trial.number}: {describe(candidate)}: {_score_text(score)}"
    return Point(trial.costs.flash_bytes, shown, group, title, ringed)


def _error_text(value: float) -> str:
    return f"{100 * value:.3g} %"


def _bytes(value: float) -> str:
    return format_bytes(round(value))


_STYLE = "body { max-width: 1240px; }\n" + SCATTER_STYLE
