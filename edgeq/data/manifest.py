"""The dataset manifest: one TOML file a dataset, decoded strictly. Adding a dataset needs no code.

A manifest says where the data come from (`source`), how they are read (`reader`), what is done to
each sample (`preprocessing`, in order), what comes out (`sample`), and which samples calibrate
and which judge (`splits`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from edgeq.core.errors import InputError
from edgeq.core.files import read_bytes
from edgeq.core.records import Record
from edgeq.data.preprocessing import Step

Metric = Literal["top1", "auc", "map", "mae", "coco_map", "coco_map_50", "none"]
BOX_METRICS = frozenset({"coco_map", "coco_map_50"})
SplitName = Literal["representative", "evaluation", "train"]
SPLIT_NAMES: tuple[SplitName, ...] = ("representative", "evaluation", "train")
MAX_MANIFEST_BYTES = 1 << 20

# Both become part of a folder's name.
Sha256 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Names = Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=64)]
Extent = Annotated[float, msgspec.Meta(gt=0, le=1 << 16)]
Id = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9][a-z0-9_.-]{0,63}\Z")]


# --- where the data come from --------------------------------------------------------------------


class BundledSource(Record, frozen=True, kw_only=True, tag_field="kind", tag="bundled"):
    """A file beside the manifest, shipped with edgeq."""

    path: str


class LocalSource(Record, frozen=True, kw_only=True, tag_field="kind", tag="local"):
    """A file or folder below --data-root, EDGEQ_DATA_DIR or the folder of a user's manifest.

    A user's own manifest may name an absolute path.
    """

    path: str


class UrlSource(Record, frozen=True, kw_only=True, tag_field="kind", tag="url"):
    """A download, pinned by its SHA-256. `path` is the member of an unpacked archive to read."""

    url: str
    sha256: Sha256
    path: str = ""
    archive: Literal["none", "tar", "zip"] = "none"
    max_bytes: int = 1 << 30
    max_unpacked_bytes: int = 4 << 30

    @property
    def member(self) -> str:
        """What to read in the download's folder; '' for an unpacked archive as a whole."""
        return self.path or ("" if self.archive != "none" else self.url.split("/")[-1] or "data")


class NoSource(Record, frozen=True, kw_only=True, tag_field="kind", tag="none"):
    """Nothing to read: the reader makes its samples."""


Source = BundledSource | LocalSource | UrlSource | NoSource


# --- how they are read ---------------------------------------------------------------------------


class NpzReader(Record, frozen=True, kw_only=True, tag_field="kind", tag="npz"):
    """Arrays of an .npz: samples `x` (N, ...), labels or targets `y` (N, ...) or '' for none.

    Several names in `x` are the inputs of a model with several.
    """

    x: str | Names = "x"
    y: str = ""


class NpyReader(Record, frozen=True, kw_only=True, tag_field="kind", tag="npy"):
    """One .npy of samples (N, ...); `y` names an .npy beside it, '' for none."""

    y: str = ""


class ImageReader(Record, frozen=True, kw_only=True, tag_field="kind", tag="images"):
    """PNG, JPEG and BMP files below a folder -> uint8 (H, W, 3) or (H, W, 1)."""

    mode: Literal["rgb", "gray"] = "rgb"
    label: Literal["folder", "prefix", "none"] = "folder"


class CocoReader(Record, frozen=True, kw_only=True, tag_field="kind", tag="coco"):
    """Images and their boxes in COCO's JSON: see `edgeq.data.coco`.

    `annotations` are JSON files below the source's folder, `images` the folders that their file
    names begin in, one for each ('': the source's folder).
    """

    annotations: str | Names = "annotations.json"
    images: str | Names = ""
    mode: Literal["rgb", "gray"] = "rgb"


class WavReader(Record, frozen=True, kw_only=True, tag_field="kind", tag="wav"):
    """PCM .wav files below a folder -> float32 (samples,) in [-1, 1), channels averaged.

    `sample_rate` in Hz must be that of every file.
    """

    sample_rate: int
    label: Literal["folder", "prefix", "none"] = "prefix"


class CsvReader(Record, frozen=True, kw_only=True, tag_field="kind", tag="csv"):
    """A CSV with a header row -> float32 (features,). Without `features`, all but the label."""

    label: str = ""
    features: tuple[str, ...] = ()
    delimiter: str = ","


class SyntheticReader(Record, frozen=True, kw_only=True, tag_field="kind", tag="synthetic"):
    """Seeded noise, uniform in [-1, 1): float32 samples of `shape`. It tells no accuracy."""

    shape: tuple[int, ...]
    samples: int = 200
    seed: int = 0


class GeneratedReader(Record, frozen=True, kw_only=True, tag_field="kind", tag="generated"):
    """Samples that one of edgeq's generators makes, always alike: see `edgeq.data.generators`."""

    generator: str
    samples: Annotated[int, msgspec.Meta(ge=1, le=1 << 20)]
    seed: Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)] = 0


Reader = (
    NpzReader
    | NpyReader
    | ImageReader
    | CocoReader
    | WavReader
    | CsvReader
    | SyntheticReader
    | GeneratedReader
)


# --- which samples are for what ------------------------------------------------------------------


class ArraySplit(Record, frozen=True, kw_only=True, tag_field="by", tag="arrays"):
    """Arrays of its own in an .npz; several names in `x` are several inputs."""

    x: str | Names
    y: str = ""


class MatchSplit(Record, frozen=True, kw_only=True, tag_field="by", tag="match"):
    """Samples whose id matches one of these shell patterns and none of `but_not`."""

    names: tuple[str, ...]
    but_not: tuple[str, ...] = ()


class RowsSplit(Record, frozen=True, kw_only=True, tag_field="by", tag="rows"):
    """Samples `start` up to, not including, `stop`."""

    start: int
    stop: int


class ShareSplit(Record, frozen=True, kw_only=True, tag_field="by", tag="share"):
    """The part from `start` to `stop` (0 to 1) of the samples in the order of their SHA-256.

    Equal samples fall into one split, so that two shares that do not overlap never share content.
    """

    start: float
    stop: float


Split = ArraySplit | MatchSplit | RowsSplit | ShareSplit


class Splits(Record, frozen=True, kw_only=True):
    """Which samples calibrate, judge and (where named) train.

    No sample that judges may calibrate or train: checked by content when loaded.
    """

    representative: Split
    evaluation: Split
    train: Split | None = None


# --- what a model gives and takes ----------------------------------------------------------------


class Detection(Record, frozen=True, kw_only=True):
    """How the outputs of a detector are read.

    `form` lists: four outputs, boxes (K, 4), classes (K,), scores (K,) and how many count, as
    TFLite_Detection_PostProcess gives them. `form` candidates: one output (A, 4 + classes), or
    `transposed`, a box and then a score of each class; of each class those above `least` remain
    that overlap no better one by more than `overlap` (intersection over union), and of an image
    the `most` best. `box` names a box's four numbers; `size` is the image's height and width in
    their unit: 1 and 1 for shares.
    """

    form: Literal["lists", "candidates"] = "lists"
    box: Literal["yxyx", "xyxy", "cxcywh"] = "yxyx"
    size: tuple[Extent, Extent] = (1.0, 1.0)
    transposed: bool = False
    least: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.001
    overlap: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.6
    most: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100


class SampleSpec(Record, frozen=True, kw_only=True):
    """What preprocessing gives: the shape of one sample and, where given, its range."""

    shape: tuple[int, ...] = ()
    low: float | None = None
    high: float | None = None


class InputSpec(SampleSpec, frozen=True, kw_only=True):
    """One of several inputs: its name in the model, its preprocessing, and what that gives."""

    name: str
    preprocessing: tuple[Step, ...] = ()


class Manifest(Record, frozen=True, kw_only=True):
    """A dataset. `origin` says where the data were first published.

    Samples come in file order, or, with `shuffle`, in an order drawn from that seed. Where a sample
    has several arrays, `inputs` describes each in the reader's order; without it all are treated
    as `preprocessing` and `sample` say. `output` names the output that the metric judges ('': the
    first one); a detector's are read as `detection` says.
    """

    schema: Literal[1] = 1
    id: Id
    name: str
    description: str = ""
    licence: str
    origin: str = ""
    metric: Metric
    labels: tuple[str, ...] = ()
    source: Source
    reader: Reader
    preprocessing: tuple[Step, ...] = ()
    sample: SampleSpec = SampleSpec()
    inputs: tuple[InputSpec, ...] = ()
    output: str = ""
    detection: Detection | None = None
    splits: Splits
    shuffle: int | None = None


def read_manifest(path: Path) -> Manifest:
    """Read the manifest at `path`.

    Raises:
        InputError: not TOML, an unknown key, a wrong value; the cause names the field.
    """
    data = read_bytes(path, what="dataset manifest", limit=MAX_MANIFEST_BYTES)
    try:
        manifest = msgspec.toml.decode(data, type=Manifest, strict=True)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InputError(
            f"dataset manifest {path}: {error}",
            hint="compare it with a shipped one: edgeq data show digits",
        ) from error
    _check(manifest, path)
    return manifest


def _check(manifest: Manifest, path: Path) -> None:
    for field, fine, hint in (
        ("id", manifest.id == path.stem, f"name it as its file: {path.stem}"),
        ("labels", len(set(manifest.labels)) == len(manifest.labels), "say each label once"),
        ("splits", _readable(manifest), "splits by arrays need the npz reader"),
        *_box_rules(manifest),
        ("sample.shape", all(n > 0 for n in manifest.sample.shape), "sizes are positive"),
        (
            "inputs",
            _described(manifest),
            "name each once, give positive sizes, and leave out "
            "the preprocessing and sample of a single input",
        ),
    ):
        if not fine:
            raise InputError(f"dataset manifest {path}: {field} is wrong", hint=hint)


def _box_rules(manifest: Manifest) -> Iterator[tuple[str, bool, str]]:
    """Yield what the boxes of a detector's dataset ask of the manifest."""
    boxed, coco = manifest.metric in BOX_METRICS, isinstance(manifest.reader, CocoReader)
    named = "name the classes of the boxes, in the order of the model's"
    yield "labels", bool(manifest.labels) or not (boxed or coco), named
    yield "metric", boxed or not coco, f"boxes are judged by {' or '.join(sorted(BOX_METRICS))}"
    yield "detection", boxed or manifest.detection is None, "the metric judges no boxes"


def _readable(manifest: Manifest) -> bool:
    splits = (getattr(manifest.splits, name) for name in SPLIT_NAMES)
    arrays = any(isinstance(split, ArraySplit) for split in splits)
    return isinstance(manifest.reader, NpzReader) or not arrays


def _described(manifest: Manifest) -> bool:
    names = {spec.name for spec in manifest.inputs}
    sizes = [n for spec in manifest.inputs for n in spec.shape]
    alone = not (manifest.preprocessing or manifest.sample.shape)
    fine = len(names) == len(manifest.inputs) and all(n > 0 for n in sizes) and alone
    return not manifest.inputs or fine
