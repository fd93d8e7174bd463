"""The PPK2's words: fields, losses by the counter, lost bytes, amperes by range, spikes."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.core.errors import DeviceError
from edgeq.device.meters.ppk2 import voltage_bytes
from edgeq.device.meters.ppk2_stream import (
    SHUNTS,
    Calibration,
    count_samples,
    filter_spikes,
    parse_metadata,
    parse_words,
    running_mean,
    to_amperes,
)


def pack(adc: int, range_: int, counter: int, digital: int = 0) -> bytes:
    """Return one word of the wire."""
    return (adc | range_ << 14 | (counter & 63) << 18 | digital << 24).to_bytes(4, "little")


def test_a_word_has_four_fields() -> None:
    words = parse_words(bytes.fromhex("34 92 04 81"))
    assert (words.adc[0], words.range[0], words.counter[0], words.digital[0]) == (
        0x1234, 2, 1, 0x81,
    )  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.integers(1, 64), min_size=1, max_size=100))
def test_the_counter_shows_each_loss_modulo_64(steps: list[int]) -> None:
    counters = (np.cumsum(steps) % 64).astype(np.uint8)
    index, jumps = count_samples(counters)
    assert index[0] == 0
    assert np.diff(index).tolist() == steps[1:]
    assert jumps.tolist() == [i for i, s in enumerate(steps) if i and s > 1]


@settings(deadline=None, max_examples=400)
@given(st.integers(12, 150), st.integers(1, 3))
def test_after_lost_bytes_the_words_are_found_again(at: int, lost: int) -> None:
    levels = [7919 * i * i % 900 for i in range(60)]
    whole = b"".join(pack(level, 1, i) for i, level in enumerate(levels))
    words = parse_words(whole[:at] + whole[at + lost :])
    sent = set(zip(levels, range(60), strict=True))
    got = list(zip(words.adc.tolist(), words.counter.tolist(), strict=True))
    wrong = [g for g in got if g not in sent]
    assert wrong == []
    assert len(got) >= 60 - 2 - 2 * 4
    assert words.slips == (lost > 0)
    assert len(count_samples(words.counter)[1]) >= 1


@settings(deadline=None)
@given(st.binary(max_size=3000))
def test_noise_is_read_without_harm(data: bytes) -> None:
    words = parse_words(data)
    assert len(words.adc) * 4 <= len(data)
    assert (words.ends <= len(data)).all()
    assert np.isfinite(to_amperes(words, Calibration(), 3.0)).all()


@pytest.mark.parametrize("range_", range(5))
def test_amperes_follow_the_shunt_of_the_range(range_: int) -> None:
    words = parse_words(pack(2500, range_, 0))
    expected = 4 * 2500 * (1.8 / 163840) / SHUNTS[range_]
    expected *= expected + 1  # GS = GI = 1
    assert to_amperes(words, Calibration(), 3.0)[0] == pytest.approx(expected)


def test_every_constant_of_the_calibration_counts() -> None:
    text = "".join(
        f"{n}2: {v}\n"
        for n, v in {"R": 10, "GS": 2, "GI": 3, "O": 4, "S": 5, "I": 6, "UG": 7}.items()
    )
    constants = parse_metadata(f"Calibrated: 1\n{text}VDD: 3000\nHW: 1\nEND")
    r = (4 * 100 - 4) * (1.8 / 163840) / 10
    got = to_amperes(parse_words(pack(100, 2, 0)), constants, 3.3)[0]
    assert got == pytest.approx(7 * (r * (2 * r + 3) + 5 * 3.3 + 6))
    assert constants.r[0] == SHUNTS[0]


@pytest.mark.parametrize("line", ["R0: nan", "R1: 0", "R2: -1", "GS0: inf", "O3: x", "I4: 1e999"])
def test_a_damaged_calibration_is_refused(line: str) -> None:
    with pytest.raises(DeviceError, match="calibration") as failure:
        parse_metadata(f"Calibrated: 1\n{line}\nEND")
    assert failure.value.hint


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_metadata_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(DeviceError):
        assert min(parse_metadata(text).r) > 0


@settings(deadline=None)
@given(st.lists(st.floats(-1, 1), max_size=600), st.sampled_from([0.06, 0.18]))
def test_the_running_mean_is_that_of_its_definition(values: list[float], alpha: float) -> None:
    got = running_mean(np.array(values), alpha)
    mean = values[0] if values else 0.0
    for value, found in zip(values, got, strict=True):
        mean = alpha * value + (1 - alpha) * mean
        assert found == pytest.approx(mean, abs=1e-9)


def test_the_filter_takes_a_spike_off_and_nothing_else() -> None:
    current = np.full(100, 1e-3)
    ranges = np.where(np.arange(100) < 50, 1, 2).astype(np.uint8)
    current[50] = 1.0
    filtered = filter_spikes(current, ranges)
    assert filtered[50] == pytest.approx(0.18 + 0.82e-3)
    assert filtered[51:53].max() < 0.16
    assert np.array_equal(np.delete(filtered, [50, 51, 52]), np.delete(current, [50, 51, 52]))


@pytest.mark.parametrize(
    ("volts", "expected"), [(0.8, (3, 32)), (1.8, (7, 8)), (3.0, (11, 184)), (5.0, (19, 136))]
)
def test_the_regulator_is_set_in_millivolts(volts: float, expected: tuple[int, int]) -> None:
    assert voltage_bytes(volts) == expected
