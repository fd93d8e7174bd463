"""Published results: the shipped calibration is theirs, and the held-out rows keep their bars."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from edgeq.bench.calibration import CALIBRATION_FILE, load_calibration
from tests.support.benchmarks import benchmark, load_benchmark

published = benchmark("published")


@pytest.fixture
def data(published: ModuleType) -> Any:
    return published.read_published()


@pytest.fixture
def fits(published: ModuleType, data: Any) -> Any:
    return published.fit_cores(data)


@pytest.mark.parametrize(
    ("core", "bar"),
    [("cortex-m4", 0.15), ("cortex-m33", 0.15), ("cortex-m7", 0.25), ("cortex-m0plus", 0.25)],
)
def test_the_median_error_of_the_held_out_rows_keeps_its_bar(
    published: ModuleType, fits: Any, core: str, bar: float
) -> None:
    assert published.BARS[core] == bar
    assert published.medians(fits)[core] <= bar


def test_the_bars_do_not_hang_on_which_half_calibrates(published: ModuleType, data: Any) -> None:
    exchanged = published.medians(published.fit_cores(data, exchanged=True))
    assert all(exchanged[core] <= bar for core, bar in published.BARS.items())


def test_the_shipped_calibration_is_the_one_of_the_rows(
    published: ModuleType, data: Any, fits: Any
) -> None:
    text = published.calibration_text(published.calibrate(data, fits))
    assert text == CALIBRATION_FILE.read_text(), "run python benchmarks/published.py --write"


def test_the_page_is_the_one_of_the_rows(
    data: Any, fits: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = load_benchmark("published_page", monkeypatch)
    text = page.render_page(data, fits, load_calibration())
    assert text == page.PAGE_FILE.read_text(), "run python benchmarks/published.py --write"


def test_no_row_calibrates_and_judges(fits: Any) -> None:
    for fit in fits.values():
        keys = [(r.entry, r.model) for r in (*fit.calibration, *fit.held_out)]
        assert len(keys) == len({(id(entry), model) for entry, model in keys})
        assert fit.held_out
        assert fit.calibration


def test_where_there_are_several_boards_a_held_out_board_never_calibrates(fits: Any) -> None:
    for core, group in (("cortex-m33", "known"), ("cortex-m7", "same-engine")):
        seen, judged = (
            {r.entry.board for r in rows if r.entry.group == group}
            for rows in (fits[core].calibration, fits[core].held_out)
        )
        assert seen
        assert judged
        assert not seen & judged


def test_the_split_does_not_look_at_the_results(published: ModuleType, data: Any) -> None:
    entry = next(e for e in data.rows if e.board == "NUCLEO-L4R5ZI")
    rows = [published.Row(entry, model, c, 1.0) for c, model in enumerate(published.MODELS)]
    first = published.split(rows)
    again = published.split([published.Row(r.entry, r.model, 9 - r.cycles, 1.0) for r in rows])
    assert [[r.model for r in half] for half in first] == [["ad", "kws"], ["ic", "vww"]]
    assert [[r.model for r in half] for half in again] == [["ad", "kws"], ["ic", "vww"]]


def test_the_estimate_of_a_row_is_ratio_times_count_over_clock(fits: Any) -> None:
    fit = fits["cortex-m4"]
    row = next(r for r in fit.held_out if r.model == "vww" and r.entry.group == "known")
    # 301.20 ms at 120 MHz for 24,101,517 instructions; AD and KWS calibrate
    kws, ad = 99.81e-3 * 120e6 / 7_697_710, 8.60e-3 * 120e6 / 582_891
    assert row.ratio == pytest.approx(301.20e-3 * 120e6 / 24_101_517)
    assert fit.typical == pytest.approx((kws * ad) ** 0.5)
    assert fit.error(row) == pytest.approx(fit.typical / row.ratio - 1)


def test_a_row_left_out_for_its_cycles_has_fewer_than_the_reference_kernels(
    published: ModuleType, data: Any
) -> None:
    rows = [row for row in data.excluded if row.ms]
    assert rows
    for row in rows:
        for model in published.MODELS:
            cycles = row.ms[model] * row.mhz * 1e3
            assert cycles < getattr(data.counts["reference"], model)
            assert cycles > 1.5 * getattr(data.counts["cortex-m4"], model)
