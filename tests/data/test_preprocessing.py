"""Preprocessing steps compute what their docstrings say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.core.errors import InputError
from edgeq.data.audio import MEL_SCALES, mel_filters
from edgeq.data.preprocessing import (
    Cast,
    Flatten,
    Layout,
    LogMel,
    MeanStd,
    Mfcc,
    PadOrTrim,
    Reshape,
    Resize,
    Scale,
    apply_steps,
)

MEL = {"sample_rate": 8000, "frame": 256, "hop": 160, "fft": 256, "mels": 20}


def test_steps_apply_in_order() -> None:
    x = np.array([[0, 255]], np.uint8)
    steps = (Scale(factor=1 / 255), MeanStd(mean=(0.5,), std=(0.5,)), Flatten())
    np.testing.assert_allclose(apply_steps(x, steps), [-1, 1], atol=1e-6)


def test_bilinear_resize_takes_pixel_centres_at_half_integers() -> None:
    x = np.array([[0.0, 4.0]], np.float32)
    np.testing.assert_allclose(apply_steps(x, [Resize(height=1, width=4)]), [[0, 1, 3, 4]])
    np.testing.assert_allclose(apply_steps(x, [Resize(height=2, width=1)]), [[2], [2]])


@given(st.integers(1, 9), st.integers(1, 9), st.sampled_from(["bilinear", "nearest"]))
def test_resizing_a_flat_image_keeps_its_value(height: int, width: int, method: str) -> None:
    step = Resize(height=height, width=width, method=method)  # type: ignore[arg-type]
    resized = apply_steps(np.full((5, 3, 2), 7, np.uint8), [step])
    np.testing.assert_array_equal(resized, np.full((height, width, 2), 7))


def test_layout_goes_there_and_back() -> None:
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    moved = apply_steps(x, [Layout(to="nchw")])
    assert moved.shape == (4, 2, 3)
    np.testing.assert_array_equal(apply_steps(moved, [Layout(to="nhwc")]), x)


def test_casts_saturate() -> None:
    x = np.array([-300.0, -1.9, 1.9, 300.0])
    assert apply_steps(x, [Cast(dtype="int8")]).tolist() == [-128, -1, 1, 127]


@given(st.integers(0, 20), st.integers(1, 20))
def test_pad_or_trim_always_gives_its_length(size: int, length: int) -> None:
    x = np.ones(size, np.float32)
    padded = apply_steps(x, [PadOrTrim(length=length)])
    assert padded.shape == (length,)
    assert padded.sum() == min(size, length)


@pytest.mark.parametrize("hz", [0.0, 440.0, 1000.0, 4000.0])
@pytest.mark.parametrize("scale", ["htk", "slaney"])
def test_mel_scales_invert(scale: str, hz: float) -> None:
    to_mel, to_hz = MEL_SCALES[scale]
    assert to_hz(to_mel(np.array([hz])))[0] == pytest.approx(hz)


def test_mel_scales_meet_their_published_points() -> None:
    assert MEL_SCALES["htk"][0](np.array([1000.0]))[0] == pytest.approx(1000, abs=0.1)
    assert MEL_SCALES["slaney"][0](np.array([1000.0, 6400.0])).tolist() == pytest.approx([15, 42])


def test_a_tone_lands_in_the_filter_around_it() -> None:
    step = LogMel(**MEL)  # type: ignore[arg-type]
    tone = np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000)
    energies = apply_steps(tone, [step])
    assert energies.shape == (49, 20, 1)
    at_tone = mel_filters(step)[:, 32]  # bin 32 of 256 at 8 kHz is 1 kHz
    assert set(energies[..., 0].argmax(axis=1)) == {int(at_tone.argmax())}


def test_the_cepstrum_of_silence_is_its_floor_alone() -> None:
    step = Mfcc(**MEL, coefficients=10)  # type: ignore[arg-type]
    cepstrum = apply_steps(np.zeros(8000), [step])[..., 0]
    assert cepstrum.shape == (49, 10)
    np.testing.assert_allclose(cepstrum[:, 0], np.sqrt(2 * 20) * np.log(1e-6), rtol=1e-5)
    np.testing.assert_allclose(cepstrum[:, 1:], 0, atol=1e-4)


@pytest.mark.parametrize(
    "step",
    [
        Resize(height=2, width=2),
        Layout(to="nchw"),
        Reshape(shape=(7,)),
        MeanStd(mean=(0.0,), std=(0.0,)),
        MeanStd(mean=(0.0, 0.0), std=(1.0, 1.0)),
        Mfcc(**MEL),  # type: ignore[arg-type]
        Scale(factor=float("inf")),
    ],
)
def test_a_step_that_does_not_fit_is_an_input_error(step: object) -> None:
    with pytest.raises(InputError) as caught:
        apply_steps(np.ones(5, np.float32), [step])  # type: ignore[list-item]
    assert caught.value.hint
