"""A download is kept only when every byte of it is right; archives cannot lead outside."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zipfile
from pathlib import Path
from typing import IO

import pytest

from edgeq.core.errors import InputError
from edgeq.data import catalog
from edgeq.data.downloads import download, open_https
from edgeq.data.manifest import UrlSource


def fetch(data: bytes, target: Path, **fields: object) -> None:
    pin = {"sha256": hashlib.sha256(data).hexdigest()} | fields
    source = UrlSource(url="https://example.org/d/file.npz", **pin)  # type: ignore[arg-type]

    def opener(url: str) -> IO[bytes]:
        return io.BytesIO(data)

    download(source, target, opener=opener)


def zip_of(name: str, data: bytes = b"x", mode: int = 0o100644) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        archive.writestr(info, data)
    return file.getvalue()


def tar_of(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    file = io.BytesIO()
    # Without a time: the bytes name the test, in every process that collects it.
    packed = gzip.GzipFile(fileobj=file, mode="wb", mtime=0)
    with packed, tarfile.open(fileobj=packed, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, link
        info.size = 1 if kind == tarfile.REGTYPE else 0
        archive.addfile(info, io.BytesIO(b"x"))
    return file.getvalue()


def test_a_pinned_file_is_kept_under_its_name(tmp_path: Path) -> None:
    fetch(b"data", tmp_path / "d")
    assert (tmp_path / "d" / "file.npz").read_bytes() == b"data"


@pytest.mark.parametrize(("archive", "data"), [("zip", zip_of("a/b.txt")),
                                               ("tar", tar_of("a/b.txt"))])  # fmt: skip
def test_archives_unpack(tmp_path: Path, archive: str, data: bytes) -> None:
    fetch(data, tmp_path / "d", archive=archive)
    assert (tmp_path / "d" / "a" / "b.txt").read_bytes() == b"x"


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        (b"data", {"sha256": "0" * 64}),
        (b"data", {"max_bytes": 3}),
        (b"data", {"path": "../out"}),
        (b"no archive", {"archive": "zip"}),
        (b"no archive", {"archive": "tar"}),
        (zip_of("../out"), {"archive": "zip"}),
        (zip_of("/out"), {"archive": "zip"}),
        (zip_of("link", b"/etc/passwd", 0o120777), {"archive": "zip"}),
        (zip_of("big", bytes(1 << 20)), {"archive": "zip", "max_unpacked_bytes": 1 << 16}),
        (tar_of("../out"), {"archive": "tar"}),
        (tar_of("/out"), {"archive": "tar"}),
        (tar_of("link", tarfile.SYMTYPE, "/etc"), {"archive": "tar"}),
        (tar_of("link", tarfile.LNKTYPE, "/etc/passwd"), {"archive": "tar"}),
        (tar_of("pipe", tarfile.FIFOTYPE), {"archive": "tar"}),
    ],
)
def test_nothing_is_kept_of_a_wrong_download(
    tmp_path: Path, data: bytes, fields: dict[str, object]
) -> None:
    with pytest.raises(InputError):
        fetch(data, tmp_path / "cache" / "d", **fields)
    assert [p for p in tmp_path.rglob("*") if p.name != "cache"] == []


@pytest.mark.parametrize("url", ["http://example.org/a", "file:///etc/passwd", "ftp://e.org/a"])
def test_only_https_is_opened(url: str) -> None:
    with pytest.raises(InputError, match="not an https URL"):
        open_https(url)


def test_a_fetched_dataset_lies_where_it_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("EDGEQ_DATA_DIR", raising=False)
    manifest = tmp_path / "web.toml"
    manifest.write_text(
        'schema = 1\nid = "web"\nname = "Web"\nlicence = "CC0-1.0"\nmetric = "none"\n'
        f'source = {{ kind = "url", url = "https://example.org/w.npz", sha256 = "{"0" * 64}" }}\n'
        'reader = { kind = "npz" }\n[splits]\n'
        'representative = { by = "rows", start = 0, stop = 1 }\n'
        'evaluation = { by = "rows", start = 1, stop = 2 }\n'
    )
    entry = catalog.find_entry(str(manifest))
    with pytest.raises(InputError) as caught:
        catalog.locate_data(entry)
    assert "edgeq data get web" in caught.value.hint

    def keep(source: UrlSource, target: Path) -> None:
        target.mkdir(parents=True)
        (target / source.member).write_bytes(b"data")

    monkeypatch.setattr("edgeq.data.downloads.download", keep)
    assert catalog.fetch_dataset(str(manifest)).read_bytes() == b"data"
    assert catalog.locate_data(entry).name == "w.npz"
