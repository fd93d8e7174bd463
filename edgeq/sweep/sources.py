"""The models of a sweep as bytes, and the samples that calibrate and validate them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from edgeq.core.errors import InputError
from edgeq.core.files import read_bytes, sha256_hex
from edgeq.sweep.manifest import Manifest, ModelEntry, Scheme, model_name
from edgeq.sweep.records import Samples

if TYPE_CHECKING:
    from edgeq.convert.recipes.recipe import Written
    from edgeq.data.dataset import Dataset

MAX_MODEL_BYTES = 1 << 30
MAX_MODEL_FILES = 1000
KERAS = (".keras", ".h5", ".hdf5")


@dataclass(frozen=True, slots=True)
class Source:
    """A model: its files by relative path, below `file` where it is a folder.

    `schemes` is empty for a .tflite that is taken as it is.
    """

    name: str
    file: str
    files: dict[str, bytes]
    sha256: str
    schemes: tuple[Scheme, ...]
    dataset: Dataset | None
    recipes: dict[str, Written] = field(default_factory=dict)
    packed: dict[tuple[str, int], Samples] = field(default_factory=dict)

    def representative(self, limit: int) -> Samples:
        """Return the samples that calibrate."""
        return self._pack("representative", limit)

    def evaluation(self, limit: int) -> Samples | None:
        """Return the samples that validate; None without data, or for a limit of 0."""
        return self._pack("evaluation", limit) if self.dataset and limit else None

    def _pack(self, split: str, limit: int) -> Samples:
        from edgeq.sweep.samples import pack_samples

        if (split, limit) not in self.packed:
            assert self.dataset is not None
            self.packed[split, limit] = pack_samples(self.dataset, split, limit)
        return self.packed[split, limit]


def load_sources(manifest: Manifest, folder: Path) -> list[Source]:
    """Read every model of the manifest, whose paths begin in `folder`, and its dataset.

    Raises:
        InputError: a model is missing, too large, or lacks the data that would calibrate it.
    """
    datasets: dict[str, Dataset] = {}
    return [_load(entry, manifest, folder, datasets) for entry in manifest.models]


def _load(
    entry: ModelEntry, manifest: Manifest, folder: Path, datasets: dict[str, Dataset]
) -> Source:
    path, name = folder / entry.path, model_name(entry)
    is_float = path.is_dir() or path.suffix.lower() in KERAS
    schemes = tuple(s for s in manifest.schemes if s.name in entry.schemes)
    if is_float and not entry.schemes:
        schemes = manifest.schemes
    file = f"source{path.suffix.lower()}"
    files = _read_folder(path, file) if path.is_dir() else {file: _read(path)}
    if schemes and not entry.data:
        raise InputError(
            f"sweep {manifest.name}: model {name} is quantised, but has no data",
            hint='name a dataset in its data; "synthetic:1x96x96x3" is noise of that shape',
        )
    if file.endswith(".tflite") and any(s.backend == "tflite" and not s.recipe for s in schemes):
        raise InputError(
            f"sweep {manifest.name}: model {name} is a .tflite, which tflite does not quantise",
            hint="name in its schemes those of backend edgeq or aeq",
        )
    dataset = _find_dataset(entry.data, folder, datasets) if entry.data else None
    recipes = {s.name: _find_recipe(s.recipe, folder, manifest) for s in schemes if s.recipe}
    return Source(name, file, files, _hash(files), schemes, dataset, recipes)


def _find_recipe(ref: str, folder: Path, manifest: Manifest) -> Written:
    """Return the recipe; a path to a .toml begins in the manifest's folder."""
    from edgeq.convert.recipes.recipe import find_recipe
    from edgeq.convert.recipes.schedules import trains

    found = find_recipe(str(folder / ref) if ref.endswith(".toml") else ref)
    if trains(found.recipe):
        raise InputError(
            f"sweep {manifest.name}: the recipe {ref} trains, which a sweep does not",
            hint="convert first: edgeq convert --recipe; name the .tflite in the sweep",
        )
    return found


def _find_dataset(ref: str, folder: Path, known: dict[str, Dataset]) -> Dataset:
    """Return the dataset; a path to an .npz or a .toml begins in the manifest's folder."""
    from edgeq.data.dataset import load_dataset

    if ref not in known:
        is_file = ref.endswith((".npz", ".toml"))
        known[ref] = load_dataset(str(folder / ref) if is_file else ref)
    return known[ref]


def _read(path: Path) -> bytes:
    return read_bytes(path, what="model", limit=MAX_MODEL_BYTES)


def _read_folder(path: Path, name: str) -> dict[str, bytes]:
    found = sorted(p for p in path.rglob("*") if p.is_file() or p.is_symlink())
    if any(p.is_symlink() for p in found):
        raise InputError(f"model {path} holds a symbolic link", hint="copy what it leads to")
    size = sum(p.stat().st_size for p in found)
    if len(found) > MAX_MODEL_FILES or size > MAX_MODEL_BYTES:
        raise InputError(
            f"model {path} has {len(found):,} files of {size:,} bytes", hint="is this a model?"
        )
    return {f"{name}/{p.relative_to(path).as_posix()}": _read(p) for p in found}


def _hash(files: dict[str, bytes]) -> str:
    """Return the SHA-256 of a file, or over the names and digests of several."""
    if len(files) == 1:
        return sha256_hex(next(iter(files.values())))
    lines = (f"{sha256_hex(data)}  {name}\n" for name, data in sorted(files.items()))
    return sha256_hex("".join(lines).encode())
