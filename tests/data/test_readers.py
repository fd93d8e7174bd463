"""Readers give what the files say, and refuse hostile files with a clear error."""

from __future__ import annotations

import contextlib
import io
import tempfile
import wave
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.core.errors import InputError
from edgeq.data.manifest import (
    CsvReader,
    ImageReader,
    LocalSource,
    Manifest,
    Metric,
    Reader,
    RowsSplit,
    Splits,
    WavReader,
)
from edgeq.data.readers import parse_npy, read_npz_arrays, read_table, read_wav
from tests.support.texts import edited


def manifest(reader: Reader, metric: Metric = "top1", labels: tuple[str, ...] = ()) -> Manifest:
    half = RowsSplit(start=0, stop=1)
    return Manifest(
        id="t", name="t", licence="CC0-1.0", metric=metric, labels=labels, reader=reader,
        source=LocalSource(path="x"), splits=Splits(representative=half, evaluation=half),
    )  # fmt: skip


def npy_bytes(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def write_wav(path: Path, data: bytes, width: int = 2, channels: int = 1, rate: int = 8000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, width, rate, 0, "NONE", ""))
        file.writeframes(data)
    return path


@given(st.binary(max_size=300), st.integers(0, 200))
def test_damaged_npy_bytes_are_refused_or_read_never_crash(noise: bytes, at: int) -> None:
    good = npy_bytes(np.arange(6, dtype=np.int16).reshape(2, 3))
    for data in (noise, good[:at] + noise, good[:at] + noise + good[at + len(noise) :]):
        with contextlib.suppress(InputError):
            assert parse_npy(data, "noise").nbytes <= len(data)


def test_npy_keeps_order_and_dtype() -> None:
    array = np.asfortranarray(np.arange(6, dtype=np.int16).reshape(2, 3))
    np.testing.assert_array_equal(parse_npy(npy_bytes(array), "a"), array)


def test_pickled_objects_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "evil.npz", x=np.array([{"a": 1}], dtype=object))
    with pytest.raises(InputError, match="plain numbers"):
        read_npz_arrays(tmp_path / "evil.npz")


@pytest.mark.parametrize("shape", [b"(9999999999999,), }", b"(-4,), }", b"(10**9,), }"])
def test_a_header_that_promises_other_bytes_is_refused(shape: bytes) -> None:
    good = npy_bytes(np.zeros(4, np.int8))
    evil = edited(good, b"(4,), }".ljust(len(shape)), shape)
    assert evil != good
    with pytest.raises(InputError):
        parse_npy(evil, "evil")


def test_what_is_no_zip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(InputError, match="not a readable"):
        read_npz_arrays(tmp_path / "a.npz")


def test_a_zip_bomb_is_refused_by_its_sizes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeq.data.readers.MAX_TOTAL_BYTES", 1 << 16)
    with zipfile.ZipFile(tmp_path / "b.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", npy_bytes(np.zeros(1 << 20, np.uint8)))
    with pytest.raises(InputError, match="more than"):
        read_npz_arrays(tmp_path / "b.npz")


@pytest.mark.parametrize(
    ("width", "raw", "value"),
    [(1, b"\xc0", 0.5), (2, b"\x00\xc0", -0.5), (4, b"\x00\x00\x00\x40", 0.5)],
)
def test_pcm_widths_share_one_full_scale(
    tmp_path: Path, width: int, raw: bytes, value: float
) -> None:
    assert read_wav(write_wav(tmp_path / "a.wav", raw, width), 8000)[0] == value


def test_channels_are_averaged(tmp_path: Path) -> None:
    raw = np.array([16384, 0, -16384, 0], "<i2").tobytes()
    sound = read_wav(write_wav(tmp_path / "a.wav", raw, channels=2), 8000)
    np.testing.assert_array_equal(sound, np.float32([0.25, -0.25]))


def test_wav_labels_come_from_the_start_of_the_name(tmp_path: Path) -> None:
    for name in ("7_jo_0", "3_jo_0"):
        write_wav(tmp_path / f"{name}.wav", b"\1\2")
    labels = tuple("0123456789")
    table = read_table(manifest(WavReader(sample_rate=8000), labels=labels), tmp_path)
    assert table.ids == ("3_jo_0.wav", "7_jo_0.wav")
    assert table.y is not None
    assert table.y.tolist() == [3, 7]
    with pytest.raises(InputError, match="not in the manifest"):
        read_table(manifest(WavReader(sample_rate=8000), labels=("1", "2")), tmp_path)


@given(st.binary(max_size=120))
def test_damaged_wavs_are_refused_or_read_never_crash(noise: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write_wav(Path(folder, "a.wav"), b"\0" * 64)
        good = path.read_bytes()
        for data in (noise, good[:22] + noise, good[:20] + noise + good[20 + len(noise) :]):
            path.write_bytes(data)
            with contextlib.suppress(InputError):
                assert np.abs(read_wav(path, 8000)).max() <= 1


def test_another_sample_rate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="16000 Hz"):
        read_wav(write_wav(tmp_path / "a.wav", b"\0\0", rate=16000), 8000)


def test_csv_columns_become_features_and_labels(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,kind,b\n1,yes,2\n3,no,4\n")
    table = read_table(manifest(CsvReader(label="kind")), tmp_path / "a.csv")
    assert [x.tolist() for (x,) in table.items] == [[1, 2], [3, 4]]
    assert table.y is not None
    assert table.y.tolist() == [1, 0]


@pytest.mark.parametrize(
    "text",
    ["", "a,b\n1\n", "a,b\n1,x\n", "a,a\n1,2\n", 'a,b\n"1,2\n', "a\x00,b\n\x001,2\n", "\xff"],
)
def test_damaged_csvs_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError):
        read_table(manifest(CsvReader()), tmp_path / "a.csv")


def test_images_are_labelled_by_their_folder(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    for name, value in (("cat", 10), ("dog", 200)):
        (tmp_path / name).mkdir()
        image.new("RGB", (4, 3), (value, 0, 0)).save(tmp_path / name / "1.png")
    table = read_table(manifest(ImageReader()), tmp_path)
    assert [x.shape for (x,) in table.items] == [(3, 4, 3)] * 2
    assert [int(x[0, 0, 0]) for (x,) in table.items] == [10, 200]
    (tmp_path / "cat" / "2.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    with pytest.raises(InputError, match="not a readable"):
        read_table(manifest(ImageReader()), tmp_path)


def test_links_in_a_folder_are_passed_over(tmp_path: Path) -> None:
    outside = write_wav(tmp_path / "out" / "secret.wav", b"\1\2")
    write_wav(tmp_path / "in" / "1_a.wav", b"\1\2")
    (tmp_path / "in" / "2_b.wav").symlink_to(outside)
    table = read_table(manifest(WavReader(sample_rate=8000)), tmp_path / "in")
    assert table.ids == ("1_a.wav",)
