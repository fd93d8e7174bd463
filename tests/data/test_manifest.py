"""Manifests decode strictly; what is wrong in one is named."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.core.errors import InputError
from edgeq.core.files import shipped_folder
from edgeq.data.manifest import Manifest, read_manifest

DIGITS = (shipped_folder("datasets") / "digits.toml").read_text("utf-8")


@given(st.binary(max_size=40), st.integers(0, len(DIGITS)), st.integers(0, 60))
def test_a_damaged_manifest_is_read_or_refused_never_crashes(
    noise: bytes, at: int, cut: int
) -> None:
    raw = DIGITS.encode()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "digits.toml")
        path.write_bytes(raw[:at] + noise + raw[at + cut :])
        with contextlib.suppress(InputError):
            assert isinstance(read_manifest(path), Manifest)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('id = "digits"', 'id = "other"', "id"),
        ('"8", "9"', '"8", "8"', "labels"),
        ("shape = [8, 8, 1]\nlow", "shape = [8, 0, 1]\nlow", "sample.shape"),
        ('kind = "npz"', 'kind = "pickle"', "pickle"),
        ("factor = 0.0625", "factr = 0.0625", "factr"),
        ("schema = 1", "schema = 2", "schema"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, old: str, new: str, named: str) -> None:
    path = tmp_path / "digits.toml"
    assert old in DIGITS
    path.write_text(DIGITS.replace(old, new))
    with pytest.raises(InputError, match=named):
        read_manifest(path)
