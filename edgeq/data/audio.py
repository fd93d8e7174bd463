"""Sound features in numpy: log-mel energies and mel-frequency cepstral coefficients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from edgeq.core.records import Record

Count = Annotated[int, msgspec.Meta(ge=1, le=1 << 16)]
Floats = NDArray[np.float64]


class AudioFrames(Record, frozen=True, kw_only=True):
    """How sound is cut and filtered.

    `frame`, `hop` and `fft` are in samples (fft >= frame; the frame is padded with zeros at its
    end), `sample_rate`, `low_hz` and `high_hz` in Hz (`high_hz` 0: half the sample rate).
    Frames lie wholly inside the sound: 1 + (samples - frame) // hop of them.
    """

    sample_rate: Count
    frame: Count
    hop: Count
    fft: Count
    mels: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 40
    low_hz: float = 20.0
    high_hz: float = 0.0
    mel_scale: Literal["htk", "slaney"] = "htk"
    floor: Annotated[float, msgspec.Meta(gt=0)] = 1e-6


def log_mel_energies(sound: NDArray[Any], frames: AudioFrames) -> NDArray[np.float32]:
    """Return ln(max(mel energies, floor)): (samples,) -> float32 (frames, mels).

    Each frame is weighted with a periodic Hann window, w[n] = 0.5 - 0.5 cos(2 pi n / frame);
    its power spectrum |FFT|^2 is summed by triangular filters of height one whose corners are
    equidistant on the mel scale (`mel_filters`).

    Raises:
        ValueError: not one axis, shorter than a frame, or fields that contradict each other.
    """
    if sound.ndim != 1 or sound.shape[0] < frames.frame:
        raise ValueError(f"sound features take one axis of at least {frames.frame} samples")
    if frames.fft < frames.frame:
        raise ValueError("fft is less than frame")
    x = np.asarray(sound, np.float64)
    cut = np.lib.stride_tricks.sliding_window_view(x, frames.frame)[:: frames.hop]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frames.frame) / frames.frame)
    power = np.abs(np.fft.rfft(cut * window, frames.fft)) ** 2
    energies = power @ mel_filters(frames).T
    return np.asarray(np.log(np.maximum(energies, frames.floor)), np.float32)


def mel_cepstrum(
    sound: NDArray[Any], frames: AudioFrames, coefficients: int
) -> NDArray[np.float32]:
    """Return the first `coefficients` MFCC: (samples,) -> float32 (frames, coefficients).

    c[k] = sqrt(2 / M) sum_m E[m] cos(pi k (m + 0.5) / M) over the M log-mel energies E (Davis and
    Mermelstein 1980, eq. 1; scaled as in The HTK Book 3.4, section 5.6, eq. 5.14), without lifter.
    """
    if coefficients > frames.mels:
        raise ValueError("more coefficients than mels")
    energies = log_mel_energies(sound, frames)
    k, m = np.arange(coefficients)[:, None], np.arange(frames.mels)[None, :]
    basis = np.sqrt(2 / frames.mels) * np.cos(np.pi * k * (m + 0.5) / frames.mels)
    return np.asarray(energies.astype(np.float64) @ basis.T, np.float32)


def mel_filters(frames: AudioFrames) -> Floats:
    """Return the triangular filters, float64 (mels, fft // 2 + 1), peaks of one.

    Filter m rises from corner m to m+1 and falls to m+2, linearly in Hz, over bins of
    sample_rate / fft Hz.
    """
    high = frames.high_hz or frames.sample_rate / 2
    if not 0 <= frames.low_hz < high <= frames.sample_rate / 2:
        raise ValueError("the filters need 0 <= low_hz < high_hz <= sample_rate / 2")
    to_mel, to_hz = MEL_SCALES[frames.mel_scale]
    ends = to_mel(np.array([frames.low_hz, high]))
    corners = to_hz(np.linspace(ends[0], ends[1], frames.mels + 2))[:, None]
    bins = np.arange(frames.fft // 2 + 1)[None, :] * (frames.sample_rate / frames.fft)
    left, peak, right = corners[:-2], corners[1:-1], corners[2:]
    rising, falling = (bins - left) / (peak - left), (right - bins) / (right - peak)
    return np.asarray(np.maximum(0.0, np.minimum(rising, falling)))


def _htk_mel(hz: Floats) -> Floats:
    """mel = 2595 log10(1 + f / 700) (The HTK Book 3.4, section 5.4, eq. 5.13)."""
    return np.asarray(2595 * np.log10(1 + hz / 700))


def _htk_hz(mel: Floats) -> Floats:
    return np.asarray(700 * (10 ** (mel / 2595) - 1))


# Slaney, Auditory Toolbox v2 (1998): linear below 1 kHz in steps of 200/3 Hz, then logarithmic.
_STEP_HZ, _BREAK_HZ, _LOG_STEP = 200 / 3, 1000.0, np.log(6.4) / 27


def _slaney_mel(hz: Floats) -> Floats:
    above = _BREAK_HZ / _STEP_HZ + np.log(np.maximum(hz, _BREAK_HZ) / _BREAK_HZ) / _LOG_STEP
    return np.where(hz < _BREAK_HZ, hz / _STEP_HZ, above)


def _slaney_hz(mel: Floats) -> Floats:
    knee = _BREAK_HZ / _STEP_HZ
    return np.where(
        mel < knee, mel * _STEP_HZ, _BREAK_HZ * np.exp(_LOG_STEP * (np.maximum(mel, knee) - knee))
    )


MEL_SCALES: dict[str, tuple[Callable[[Floats], Floats], Callable[[Floats], Floats]]] = {
    "htk": (_htk_mel, _htk_hz),
    "slaney": (_slaney_mel, _slaney_hz),
}
