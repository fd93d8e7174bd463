"""Sizes and shares are read strictly; amounts and changes are shown for comparison."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.core.errors import UsageError
from edgeq.core.units import format_amount, format_change, parse_bytes, parse_share


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("65536", 65536),
        ("64k", 65536),
        ("64K", 65536),
        ("64KiB", 65536),
        ("64KB", 64000),
        ("64 kB", 64000),
        ("1.5M", 3 << 19),
        ("1MB", 1_000_000),
        ("2GiB", 2 << 30),
        ("100B", 100),
    ],
)
def test_a_size_counts_in_1024_unless_it_says_kb(text: str, size: int) -> None:
    assert parse_bytes(text, what="--max-flash") == size


@pytest.mark.parametrize(
    "text", ["", "k", "-1k", "64x", "1e9", "64kk", "0x40", "nan", "६४", "9" * 400]
)
def test_what_is_no_size_is_refused_with_the_options_name(text: str) -> None:
    with pytest.raises(UsageError, match="--max-flash"):
        parse_bytes(text, what="--max-flash")


@pytest.mark.parametrize(
    ("text", "share"), [("3%", 0.03), ("0.03", 0.03), ("100%", 1.0), ("0", 0.0), ("97.5 %", 0.975)]
)
def test_a_share_is_a_percentage_or_a_fraction(text: str, share: float) -> None:
    assert parse_share(text, what="--max-regression") == pytest.approx(share)


@pytest.mark.parametrize("text", ["3", "101%", "-3%", "three", "", "%", "3%%", "inf"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--max-regression"):
        parse_share(text, what="--max-regression")


@given(st.text(max_size=30))
def test_no_text_makes_a_parser_fail_in_another_way(text: str) -> None:
    for parse in (parse_bytes, parse_share):
        with contextlib.suppress(UsageError):
            assert parse(text, what="--x") >= 0


def test_an_amount_has_digits_enough_to_show_a_small_change() -> None:
    assert format_amount(5.0012e-3, "s") == "5.0012 ms"
    assert format_amount(1.5e-6, "J") == "1.5 uJ"
    assert format_amount(65536, "bytes") == "65,536 bytes"
    assert format_amount(0.975, "share") == "97.50%"
    assert format_amount(0.0123456, None) == "0.012346"
    assert format_amount(0.0, "s") == "0 s"


def test_a_change_says_its_direction() -> None:
    assert format_change(0.051) == "+5.1 %"
    assert format_change(-0.25) == "-25 %"
    assert format_change(0.0) == "no change"
    assert format_change(11.0) == "12 times"
    assert format_change(float("inf")) == "from nothing"
