"""The engine's benchmark: its recorded baseline, its tables, what it calls a fault."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from edgeq.core.records import OutputRecord
from tests.support.benchmarks import benchmark, load_benchmark
from tests.support.shared import CHECK_VALUES, MLPERF_TINY

rows = benchmark("engine_rows")
tables = benchmark("engine_tables")


@pytest.fixture
def baseline(monkeypatch: pytest.MonkeyPatch) -> Any:
    return load_benchmark("baseline", monkeypatch).read_baseline()


@pytest.fixture
def kws(rows: ModuleType) -> Any:
    return rows.Row(
        model="kws", title="KWS", board="virt-m4", core="cortex-m4", macs=2_000_000,
        instructions=4_000_000, cycles=5_000_000, flash=40_000, ram=12_000, arena=11_000,
        static=100, stack=900, crc32="124a640e", exact=True,
    )  # fmt: skip


def test_the_baseline_has_every_reference_model_with_its_check_value(baseline: Any) -> None:
    assert {name: row.file for name, row in baseline.models.items()} == MLPERF_TINY
    assert {name: row.crc32 for name, row in baseline.models.items()} == CHECK_VALUES


def test_a_core_without_a_record_is_held_against_the_one_that_runs_the_same_code(
    baseline: Any,
) -> None:
    kws = baseline.models["kws"]
    assert kws.figures("cortex-m33") == kws.cores["cortex-m4"]
    assert kws.figures("cortex-m0plus") == kws.cores["cortex-m0"]
    assert kws.figures("rv32imac") is None


def test_ram_is_arena_and_static_data_and_stack(baseline: Any) -> None:
    assert baseline.models["kws"].cores["cortex-m4"].ram == 24_312


@pytest.mark.parametrize(
    ("crc32", "exact", "fault"),
    [
        ("124a640e", True, ""),
        ("124a640e", False, "the output differs from the oracle's"),
        ("00000000", True, "check value is 00000000, TensorFlow Lite Micro's is 124a640e"),
    ],
)
def test_wrong_bytes_are_a_fault(
    rows: ModuleType, baseline: Any, crc32: str, exact: bool, fault: str
) -> None:
    output = OutputRecord(crc32=crc32, bit_exact=exact, oracle="edgeq")
    found = rows.find_fault(output, baseline.models["kws"])
    assert found.endswith(fault)
    assert bool(found) == bool(fault)


def test_a_setting_is_told_in_words(rows: ModuleType) -> None:
    assert rows.Setting().name == "balanced"
    assert rows.Setting().arguments == {}
    assert rows.Setting(goal="ram", omitted=("a", "b")).name == "ram without a, b"
    assert rows.Setting(goal="ram").arguments["options"].goal == "ram"


def test_a_line_tells_the_ratio_to_the_baseline(
    tables: ModuleType, baseline: Any, kws: Any
) -> None:
    line = tables.describe(kws, baseline.models["kws"])
    assert "4,000,000 instructions 0.52x" in line
    assert "5,000,000 cycles estimated" in line
    assert "exact" in line
    assert "WRONG" in tables.describe(kws.__class__(**{**_fields(kws), "exact": False}), None)


def test_layers_are_told_by_mac(tables: ModuleType, rows: ModuleType, kws: Any) -> None:
    layers = (
        rows.Layer(op="CONV_2D", name="a", macs=100, instructions=300, cycles=400),
        rows.Layer(op="SOFTMAX", name="b", macs=0, instructions=100),
    )
    text = tables.layer_table(kws.__class__(**{**_fields(kws), "layers": layers}))
    assert "| 0 CONV_2D | 100 | 300 | 3.00 | 75.0% | 400 |" in text
    assert "| 1 SOFTMAX | 0 | 100 |  | 25.0% |  |" in text


def test_the_page_says_of_every_number_what_it_is(
    monkeypatch: pytest.MonkeyPatch, rows: ModuleType, baseline: Any, kws: Any
) -> None:
    other = rows.Row(
        model="vww", title="VWW", board="qemu-an547", core="cortex-m55", instructions=9, exact=True
    )
    speed = kws.__class__(**{**_fields(kws), "setting": "speed", "instructions": 3_999_999})
    small = rows.Row(model="ic", title="IC", board="virt-m4", fault="no fit: too large")
    page = load_benchmark("engine_page", monkeypatch).render_page(
        [kws, other, speed, small], baseline
    )
    assert "### Instructions of one inference (simulated)" in page
    assert "### Cycles of one inference (estimated)" in page
    assert "| KWS | 4,000,000 (0.52x) |  |" in page
    assert "| VWW |  | 9 (0.00x) |" in page
    assert "| KWS | speed | 2,000,000 | 3,999,999 | 2.00 |" in page
    assert "- IC on virt-m4, balanced: no fit: too large" in page


def test_published_marks_stand_beside_two_estimates(
    monkeypatch: pytest.MonkeyPatch, tables: ModuleType, kws: Any
) -> None:
    published = load_benchmark("published", monkeypatch).read_published()
    text = tables.published_table([kws], published.bases)
    # 5 M cycles at 120 MHz; 4 M instructions at the calibrated 1.556 to 2.347 cycles each.
    assert "| KWS | 41.67 |" in text
    assert "(51.9 - 78.2)" in text
    assert "43.19" in text


def test_the_estimate_is_never_below_the_modelled_cycles(tables: ModuleType, kws: Any) -> None:
    slow = kws.__class__(**{**_fields(kws), "cycles": 12_000_000})
    assert tables._silicon_ms(slow) == "100.0 (100.0 - 100.0)"


def _fields(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__struct_fields__}
