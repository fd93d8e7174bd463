"""Quantities with units: read strictly, shown short."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.core.errors import UsageError
from edgeq.core.units import format_duration, format_quantity, parse_quantity


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("230mAh", "Ah", 0.23),
        ("2uA", "A", 2e-6),
        ("2µA", "A", 2e-6),
        ("1.5 mJ", "J", 1.5e-3),
        (".5V", "V", 0.5),
        ("1e-3A", "A", 1e-3),
        ("3kHz", "Hz", 3000.0),
        ("10min", "s", 600.0),
        ("2h", "s", 7200.0),
        ("1d", "s", 86_400.0),
        ("5ms", "s", 5e-3),
    ],
)
def test_a_number_a_prefix_and_the_unit(text: str, unit: str, value: float) -> None:
    assert parse_quantity(text, unit, what="x") == pytest.approx(value)


@pytest.mark.parametrize(
    "text", ["", "mA", "2", "2 m A", "2xA", "2V", "-2A", "+2A", "2,5A", "infA", "1e999A", "２A",
             "2A ; rm", "0x2A", "1_0A", "A2", "2mmA"]
)  # fmt: skip
def test_anything_else_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(UsageError, match="--limit") as caught:
        parse_quantity(text, "A", what="--limit")
    assert "2A" in caught.value.hint


@given(st.floats(1e-11, 9e11))
def test_what_is_shown_reads_back_within_three_digits(value: float) -> None:
    text = format_quantity(value, "W")
    assert parse_quantity(text, "W", what="x") == pytest.approx(value, rel=6e-3)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0 J"), (-2e-6, "-2 uJ"), (0.99996e-3, "1 mJ"), (1234.0, "1.23 kJ"), (1e-15, "1e-15 J")],
)
def test_quantities_for_people(value: float, text: str) -> None:
    assert format_quantity(value, "J") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (40, "40 s"),
        (3 * 3600, "3 hours"),
        (34 * 86_400, "34 days"),
        (2.1 * 365.25 * 86_400, "2.1 years"),
        (1500 * 365.25 * 86_400, "1,500 years"),
    ],
)
def test_long_times_as_people_say_them(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
