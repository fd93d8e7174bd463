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
from tests.support.texts import edited

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
    path.write_text(edited(DIGITS, old, new))
    with pytest.raises(InputError, match=named):
        read_manifest(path)


@pytest.mark.parametrize("digest", ["/../../../../x", "0" * 63, "0" * 64 + "\\n", "G" * 64])
def test_a_digest_that_is_none_cannot_name_a_folder(tmp_path: Path, digest: str) -> None:
    path = tmp_path / "digits.toml"
    source = 'kind = "url"\nurl = "https://example.invalid/a.npz"'
    text = edited(DIGITS, 'kind = "bundled"', f'{source}\nsha256 = "{digest}"')
    assert text != DIGITS
    path.write_text(text)
    with pytest.raises(InputError, match="sha256"):
        read_manifest(path)


@pytest.mark.parametrize("name", ["..", ".", "a b", "-x"])
def test_an_id_that_is_no_plain_name_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{name}.toml"
    path.write_text(edited(DIGITS, 'id = "digits"', f'id = "{name}"'))
    with pytest.raises(InputError, match="id"):
        read_manifest(path)
