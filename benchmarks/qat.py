"""What quantisation-aware training recovers, measured on held-out samples.

    python benchmarks/qat.py digits [--scheme int4] [--seeds 3] [--epochs 40]
    python benchmarks/qat.py cifar10 MODEL.h5 [--scheme int4] [--seeds 3] [--minutes 20]

Both print accuracies on the evaluation split, mean and spread over the seeds of training. `digits`
trains a small separable CNN for each seed, and quantises it without and with training. `cifar10`
takes a model of the MLPerf Tiny benchmark, learns from the float model's outputs on the
calibration images (of CIFAR-10's training set) alone, and judges by the test images. Every integer
figure is LiteRT's, on the .tflite; minutes are of this process' processor time.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from edgeq.convert.backends import export_float, open_source
from edgeq.convert.interpreters import run_model
from edgeq.convert.observers import observer_of
from edgeq.convert.quantization.calibrators import calibrate
from edgeq.convert.quantization.scheme import SCHEMES, Scheme
from edgeq.convert.recipes.steps import Calibrate, Schedule, TrainQuantized
from edgeq.convert.road import draft_model, finish
from edgeq.convert.training.session import Session, Trained, TrainingData
from edgeq.data.dataset import load_dataset

CALIBRATED = 200


def write_integers(trained: Trained, scheme: Scheme, x: Any, folder: Path) -> Path:
    """Return the integer .tflite of a model: learned ranges where it has notes, else min-max."""
    x = x[:CALIBRATED]
    source, floating, target = (folder / n for n in ("m.keras", "f.tflite", "q.tflite"))
    trained.model.save(source)
    export_float(source, open_source(source), (x[:1],), floating)
    draft = draft_model(floating, scheme, model=trained.model, inputs=(x,), notes=trained.notes)
    target.write_bytes(finish(calibrate(draft, observer_of((x,)), Calibrate())))
    return target


def accuracy(outputs: Any, y: Any) -> float:
    """Return top-1 in per cent."""
    return 100 * float(np.mean(outputs.argmax(1) == y))


def predict(model: Any, x: Any) -> Any:
    """Return a Keras model's outputs."""
    return np.concatenate(
        [np.asarray(model(x[i : i + 100], training=False)) for i in range(0, len(x), 100)]
    )


def integer_accuracy(trained: Trained, scheme: Scheme, x: Any, judged: Any) -> float:
    """Return the integer model's accuracy on the samples `judged`, (x, y)."""
    with tempfile.TemporaryDirectory() as name:
        path = write_integers(trained, scheme, x, Path(name))
        return accuracy(run_model(path, (judged[0],))[0], judged[1])


def small_net(classes: int) -> Any:
    """Return a separable CNN of few channels, which four bits hurt."""
    import keras
    from keras import layers

    x = image = keras.Input((8, 8, 1), name="image")
    x = layers.Conv2D(6, 3, padding="same", use_bias=False)(x)
    x = layers.ReLU(max_value=6.0)(layers.BatchNormalization()(x))
    for filters, strides in ((12, 1), (16, 2), (16, 1)):
        x = layers.DepthwiseConv2D(3, strides=strides, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Conv2D(filters, 1, use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(classes, activation="softmax")(x))


def digits(options: argparse.Namespace) -> None:
    """Print one line a seed, and mean and spread of the loss that training recovers."""
    import keras

    from edgeq.convert.training.loop import train
    from edgeq.convert.training.qat import train_quantized

    data = load_dataset("digits")
    trains, judges = data.samples("train", 10**6), data.samples("evaluation", 10**6)
    x, y = trains.x, np.asarray(trains.y, np.int32)
    cut, judged, scheme = len(x) * 9 // 10, (judges.x, judges.y), Scheme(SCHEMES[options.scheme])
    given = TrainingData((x[:cut],), y[:cut], (x[cut:],), y[cut:])
    print(f"digits: {cut} train, {len(x) - cut} watch, {len(judges.x)} judge; {options.scheme}")
    rows = []
    for seed in range(options.seeds):
        with tempfile.TemporaryDirectory() as name:
            keras.utils.set_random_seed(seed)
            model = small_net(10)
            session = Session(given, model, seed, Path(name), lambda *_: None, scheme=scheme)
            train(model, session, Schedule(epochs=40, learning_rate=1e-2), name="float")
            schedule = Schedule(epochs=options.epochs, learning_rate=options.rate)
            trained = train_quantized(Trained(model), session, TrainQuantized(schedule=schedule))
        floating = accuracy(predict(model, judges.x), judges.y)
        after = integer_accuracy(trained, scheme, x, judged)
        before = integer_accuracy(Trained(model), scheme, x, judged)
        rows.append((floating, before, after))
        print(f"seed {seed}: float {floating:.2f} PTQ {before:.2f} QAT {after:.2f}", flush=True)
    _print_summary(rows)


def _print_summary(rows: list[tuple[float, float, float]]) -> None:
    """Print mean and spread of (float, PTQ, QAT) accuracies, and how much of the loss came back."""
    floating, before, after = np.asarray(rows).T
    share = 100 * (after - before) / np.maximum(floating - before, 1e-9)
    print(f"mean: float {floating.mean():.2f} PTQ {before.mean():.2f}", end=" ")
    print(f"QAT {after.mean():.2f} (spread {np.ptp(after):.2f})")
    print(
        f"of the loss recovered: {share.mean():.0f} % (from {share.min():.0f} to {share.max():.0f})"
    )


def cifar10(options: argparse.Namespace) -> None:
    """Print the accuracies of a model before and after quantised training on CIFAR-10."""
    from edgeq.convert.loading import load_keras
    from edgeq.convert.training.qat import train_quantized

    model = load_keras(Path(options.model))
    data = load_dataset("cifar10")
    x, judges = data.samples("representative", 10**6).x, data.samples("evaluation", 10**6)
    judged, scheme = (judges.x, judges.y), Scheme(SCHEMES[options.scheme])
    given = TrainingData((x[:-100],), None, (x[-100:],), None)
    print(f"cifar10: {len(x)} images without labels, {len(judges.x)} judge; {options.scheme}")
    floating = accuracy(predict(model, judges.x), judges.y)
    before = integer_accuracy(Trained(model), scheme, x, judged)
    print(f"float {floating:.2f} PTQ {before:.2f} (min-max)", flush=True)
    checkpoints = Path(options.checkpoints or tempfile.mkdtemp())
    schedule = Schedule(
        epochs=options.epochs,
        batch=32,
        learning_rate=options.rate,
        minutes=options.minutes,
        augment="flip-shift",
    )
    rows = []
    for seed in range(options.seeds):
        session = Session(given, model, seed, checkpoints / str(seed), _tell, scheme=scheme)
        began = time.process_time()
        trained = train_quantized(Trained(model), session, TrainQuantized(schedule=schedule))
        minutes = (time.process_time() - began) / 60
        after = integer_accuracy(trained, scheme, x, judged)
        rows.append((floating, before, after))
        print(f"seed {seed}: QAT {after:.2f} after {minutes:.1f} minutes of processor time")
    _print_summary(rows)


def _tell(text: str, share: float | None) -> None:
    if ", step 1/" in text or share == 1:
        print(text, flush=True)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(required=True)
    small = verbs.add_parser("digits")
    small.set_defaults(run=digits, minutes=None)
    large = verbs.add_parser("cifar10")
    large.add_argument("model")
    large.add_argument("--minutes", type=float)
    large.add_argument("--checkpoints", help="folder that outlives an interruption")
    large.set_defaults(run=cifar10)
    for verb in (small, large):
        verb.add_argument("--seeds", type=int, default=3)
        verb.add_argument("--scheme", default="int4", choices=SCHEMES)
        verb.add_argument("--epochs", type=int, default=40)
        verb.add_argument("--rate", type=float, default=2e-3)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
