"""The catalogue: which datasets edgeq knows, and where their data lie."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from edgeq.core.errors import InputError, did_you_mean
from edgeq.core.files import confined, shipped_folder
from edgeq.core.records import Record
from edgeq.data.manifest import (
    BundledSource,
    LocalSource,
    Manifest,
    UrlSource,
    read_manifest,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A manifest and the folder it lies in; `shipped` ones are edgeq's own."""

    manifest: Manifest
    folder: Path
    shipped: bool


class Listed(Record, frozen=True, kw_only=True):
    """A dataset, and whether its data are on this computer."""

    manifest: Manifest
    found: bool


def list_datasets(*, data_root: Path | None = None) -> tuple[Listed, ...]:
    """Return every dataset of EDGEQ_DATASETS_DIR and of edgeq itself, sorted by id."""
    return tuple(find_dataset(ref, data_root=data_root) for ref in sorted(_known()))


def find_dataset(ref: str, *, data_root: Path | None = None) -> Listed:
    """Return the dataset with this id, or the one whose .toml is at this path.

    Raises:
        InputError: unknown id, or a wrong manifest.
    """
    entry = find_entry(ref)
    try:
        found = locate_data(entry, data_root=data_root).exists()
    except InputError:
        found = False
    return Listed(manifest=entry.manifest, found=found)


def find_entry(ref: str) -> Entry:
    """Return the manifest of a dataset's id or of the .toml at a path, with its folder.

    Raises:
        InputError: unknown id, or a wrong manifest.
    """
    known = _known()
    if not ref.endswith(".toml") and ref not in known:
        raise InputError(
            f"no dataset {ref!r}.{did_you_mean(ref, known)}",
            hint=f"name one of {', '.join(sorted(known))}, a manifest (.toml), an .npz file, "
            "or synthetic:1x96x96x3",
        )
    path = Path(ref) if ref.endswith(".toml") else known[ref]
    manifest = read_manifest(path)
    return Entry(manifest, path.parent, path.parent == shipped_folder("datasets"))


def _known() -> dict[str, Path]:
    folders = [shipped_folder("datasets")]
    if extra := os.environ.get("EDGEQ_DATASETS_DIR"):
        folders.append(Path(extra))
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.toml"))}


def locate_data(entry: Entry, *, data_root: Path | None = None) -> Path:
    """Return the file or folder that the manifest's reader is to read; it exists.

    Raises:
        InputError: the data are not there; the hint says how to get them.
    """
    source = entry.manifest.source
    if isinstance(source, BundledSource):
        return confined(entry.folder, source.path)
    if isinstance(source, LocalSource) and Path(source.path).is_absolute() and not entry.shipped:
        return Path(source.path)
    if not isinstance(source, LocalSource | UrlSource):
        return Path()
    member = source.member if isinstance(source, UrlSource) else source.path
    roots = _roots(entry, data_root) if member else [cache_folder(entry.manifest)]
    for root in roots:
        path = confined(root, member) if member else root
        if path.exists():
            return path
    if isinstance(source, UrlSource):
        hint = f"run: edgeq data get {entry.manifest.id}"
    else:
        hint = f"set --data-root or EDGEQ_DATA_DIR to the folder that holds {source.path}"
    raise InputError(f"the data of dataset {entry.manifest.id} are not here", hint=hint)


def _roots(entry: Entry, data_root: Path | None) -> list[Path]:
    """Return where data may lie: the first that has them wins."""
    environment = os.environ.get("EDGEQ_DATA_DIR")
    return [
        *([Path(data_root)] if data_root else []),
        *([Path(environment)] if environment else []),
        *([] if entry.shipped else [entry.folder]),
        cache_folder(entry.manifest),
    ]


def cache_folder(manifest: Manifest) -> Path:
    """Return where a download of this very content is kept."""
    from platformdirs import user_cache_path

    source = manifest.source
    pin = f"-{source.sha256[:16]}" if isinstance(source, UrlSource) else ""
    folder: Path = user_cache_path("edgeq") / "datasets" / f"{manifest.id}{pin}"
    return folder


def fetch_dataset(ref: str) -> Path:
    """Download a dataset with a URL (once), check its SHA-256 and return where its data lie.

    Datasets that need no download are only looked for.

    Raises:
        InputError: not https, too large, another SHA-256, or a hostile archive.
    """
    from edgeq.data.downloads import download

    entry = find_entry(ref)
    source = entry.manifest.source
    target = cache_folder(entry.manifest)
    if isinstance(source, UrlSource) and not target.exists():
        download(source, target)
    return locate_data(entry)
