"""One model converted in every way that the benchmark of quantisers asks for, and judged."""

from __future__ import annotations

import multiprocessing
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from edgeq.core.records import ChangeRecord, IntervalRecord, Record

TIMED = ("tflite", "int8")


class Subject(NamedTuple):
    """A model, the dataset whose samples it is given, and the rows that it is asked for."""

    name: str
    source: str
    data: str
    rows: tuple[str, ...] = (*TIMED, "int8-best")
    judged: int = 500


# The models' own data are here for ic alone: kws hears spoken digits, vww sees CIFAR-10 enlarged,
# ad gets speech as log-mel frames. So accuracy is ic's alone; SQNR compares quantisers on all.
SUBJECTS = {
    "ic": Subject(
        "ResNet, image classification",
        "pretrainedResnet.h5",
        "cifar10",
        (*TIMED, "int8-best", "int16x8", "int4", "int4-recovered"),
        2000,
    ),
    "vww": Subject("MobileNet, visual wake words", "vww_96.h5", "cifar10-96"),
    "kws": Subject("DS-CNN, keyword spotting", "kws_ref_model", "fsdd"),
    "ad": Subject("autoencoder, anomaly detection", "ad01.h5", "fsdd-logmel640"),
}


class Cost(Record, frozen=True, kw_only=True):
    """What one conversion took; memory in MiB at its peak, that of the caller and of its child."""

    seconds: float
    cpu_seconds: float
    parent_mib: int
    child_mib: int


class Row(Record, frozen=True, kw_only=True):
    """What one quantiser made of a model, judged on samples that calibrated nothing."""

    row: str
    bytes: int
    sqnr_db: float
    sqnr_interval: IntervalRecord
    top1: float | None
    top1_interval: IntervalRecord | None
    change: ChangeRecord | None
    costs: tuple[Cost, ...]

    def cost(self, field: str) -> float:
        """Return the median of a cost over the repeats."""
        return float(median(getattr(cost, field) for cost in self.costs))


class Measured(Record, frozen=True, kw_only=True):
    """One model and all its rows."""

    model: str
    name: str
    source: str
    data: str
    calibrated: int
    judged: int
    float_top1: float | None
    rows: tuple[Row, ...]


def convert_row(source: Path, data: str, row: str, out: Path, settings: dict[str, Any]) -> Cost:
    """Convert once, alone in this process, and return what it took."""
    from edgeq.data.dataset import load_dataset

    dataset = load_dataset(data, data_root=settings["data_root"])
    before, began = _cpu_seconds(), time.monotonic()
    if row == "tflite":
        (x,) = dataset.samples("representative", settings["samples"]).inputs
        out.write_bytes(convert_by_tensorflow(source, x, out.parent))
    else:
        _convert_by_edgeq(source, dataset, row, out, settings["samples"])
    parent, child = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return Cost(
        seconds=time.monotonic() - began,
        cpu_seconds=_cpu_seconds() - before,
        parent_mib=parent.ru_maxrss >> 10,
        child_mib=child.ru_maxrss >> 10,
    )


def _convert_by_edgeq(source: Path, dataset: Any, row: str, out: Path, samples: int) -> None:
    from edgeq.convert.conversion import convert_model
    from edgeq.convert.recipes.conversion import convert_by_recipe
    from edgeq.convert.recipes.recipe import find_recipe

    if row in ("int8", "int4"):
        convert_model(source, out, dataset=dataset, scheme=row, samples=samples)
    else:
        convert_by_recipe(source, out, dataset=dataset, recipe=find_recipe(row))


def convert_by_tensorflow(source: Path, x: Any, folder: Path) -> bytes:
    """Return TFLiteConverter's full-integer int8, as a user of TensorFlow alone gets it.

    Keras 3 and TensorFlow refuse some of MLPerf Tiny's files without edgeq's way to read them
    (Keras 2's depthwise layers, an optimizer's variables), which costs nothing worth the name.
    """
    import tensorflow as tf

    from edgeq.convert.loading import read_keras, strip_slots

    if source.is_dir():
        readable = strip_slots(source, Path(tempfile.mkdtemp(dir=folder)) / "saved_model")
        converter = tf.lite.TFLiteConverter.from_saved_model(str(readable))
    else:
        converter = tf.lite.TFLiteConverter.from_keras_model(read_keras(source))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample[None]] for sample in x)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def _cpu_seconds() -> float:
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def measure(model: str, models: Path, settings: dict[str, Any]) -> Measured:
    """Convert one model in every way, then judge them all."""
    with tempfile.TemporaryDirectory(prefix="edgeq-") as name:
        return _measure_in(Path(name), model, models, settings)


def _measure_in(folder: Path, model: str, models: Path, settings: dict[str, Any]) -> Measured:
    subject = SUBJECTS[model]
    rows = [row for row in subject.rows if row in settings["rows"]] if settings["rows"] else None
    costs: dict[str, list[Cost]] = {row: [] for row in rows or subject.rows}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as pool:
        for number in range(settings["repeats"]):
            for row in costs:
                if number == 0 or row in TIMED:
                    asked = (models / subject.source, subject.data, row, folder / f"{row}.tflite")
                    cost = pool.submit(convert_row, *asked, settings).result()
                    costs[row].append(cost)
                    print(f"{model} {row}: {cost.cpu_seconds:.1f} s of CPU", flush=True)
    return judge_rows(model, costs, settings, folder)


def judge_rows(
    model: str, costs: dict[str, list[Cost]], settings: dict[str, Any], folder: Path
) -> Measured:
    """Return what the converted models in `folder` give on the evaluation split."""
    import numpy as np

    from edgeq.convert.conversion import float_path
    from edgeq.convert.interpreters import run_model
    from edgeq.convert.judgement import TOP1
    from edgeq.data.dataset import load_dataset

    subject = SUBJECTS[model]
    dataset = load_dataset(subject.data, data_root=settings["data_root"])
    samples = dataset.samples("evaluation", min(settings["judged"], subject.judged))
    labels = samples.y if model == "ic" else None
    x = tuple(np.ascontiguousarray(part, np.float32) for part in samples.inputs)
    (real,) = run_model(float_path(folder / "int8.tflite"), x)
    found = [
        judge_row(folder / f"{row}.tflite", x, real, labels, tuple(paid))
        for row, paid in costs.items()
    ]
    return Measured(
        model=model,
        name=subject.name,
        source=subject.source,
        data=subject.data,
        calibrated=len(dataset.samples("representative", settings["samples"]).x),
        judged=len(real),
        float_top1=None if labels is None else TOP1.value(x[0], real, labels),
        rows=tuple(found),
    )


def judge_row(path: Path, x: Any, real: Any, labels: Any, costs: tuple[Cost, ...]) -> Row:
    """Return the figures of one quantised model against the float outputs and the labels."""
    from edgeq.convert.interpreters import run_model
    from edgeq.convert.judgement import TOP1, interval_record, judge_change, likeness
    from edgeq.convert.metrics import sqnr_db

    (value,) = run_model(path, x)
    told = labels is not None
    return Row(
        row=path.stem,
        bytes=path.stat().st_size,
        sqnr_db=sqnr_db(real, value),
        sqnr_interval=likeness(real, value)[0],
        top1=TOP1.value(x[0], value, labels) if told else None,
        top1_interval=interval_record(TOP1.interval(x[0], value, labels)) if told else None,
        change=judge_change("top1", x[0], real, value, labels) if told else None,
        costs=costs,
    )
