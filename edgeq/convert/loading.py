"""Child side: sources loaded into TensorFlow, as a function and as a static SavedModel."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edgeq.convert.interpreters import run_model
from edgeq.convert.metrics import Array
from edgeq.convert.safety import scan_source
from edgeq.core.errors import InputError

BATCH = 32
INPUT = "x"
Progress = Callable[[str, float | None], None]


def load_function(source: Path) -> tuple[Callable[[Any], Any], Any, tuple[int | None, ...]]:
    """Return (inference function, the object to track, the input's shape without batch).

    Raises:
        InputError: Keras or TensorFlow refuses the file, or it has several inputs or outputs.
    """
    scan_source(source)
    try:
        return _load_saved_model(source) if source.is_dir() else _load_keras(source)
    except (ValueError, TypeError, OSError, KeyError, AttributeError, ImportError) as error:
        raise InputError(
            f"{source} cannot be loaded: {str(error)[:300]}",
            hint="save it again with Keras 3: model.save('model.keras')",
        ) from error


def _load_keras(source: Path) -> tuple[Callable[[Any], Any], Any, tuple[int | None, ...]]:
    import keras

    class DepthwiseConv2D(keras.layers.DepthwiseConv2D):  # type: ignore[misc]
        """Keras 2 wrote a `groups` of 1 that Keras 3 does not know."""

        @classmethod
        def from_config(cls, config: dict[str, Any]) -> Any:
            return super().from_config({k: v for k, v in config.items() if k != "groups"})

    model = keras.models.load_model(
        source,
        compile=False,
        safe_mode=True,
        custom_objects={"DepthwiseConv2D": DepthwiseConv2D},
    )
    _expect_one(source, len(model.inputs), len(model.outputs))
    return lambda x: _first(model(x, training=False)), model, tuple(model.inputs[0].shape[1:])


def _load_saved_model(source: Path) -> tuple[Callable[[Any], Any], Any, tuple[int | None, ...]]:
    import tensorflow as tf

    with tempfile.TemporaryDirectory(prefix="edgeq-") as name:
        loaded = tf.saved_model.load(str(_strip_slots(source, Path(name) / "model")))
    if not loaded.signatures:
        raise ValueError("it has no signature")
    key = "serving_default"
    call = loaded.signatures[key if key in loaded.signatures else next(iter(loaded.signatures))]
    specs = call.structured_input_signature[1]
    _expect_one(source, len(specs), len(call.structured_outputs))
    ((name, spec),) = specs.items()
    # The signature holds its variables weakly: whoever calls it must keep `loaded`.
    return lambda x: _first(call(**{name: x})), loaded, tuple(spec.shape[1:])


def _strip_slots(source: Path, target: Path) -> Path:
    """Copy a SavedModel without its optimizer's slots, which need the Keras that saved them."""
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    shutil.copytree(source, target)
    model = SavedModel.FromString((target / "saved_model.pb").read_bytes())
    for graph in model.meta_graphs:
        for node in graph.object_graph_def.nodes:
            del node.slot_variables[:]
    (target / "saved_model.pb").write_bytes(model.SerializeToString())
    return target


def _expect_one(source: Path, inputs: int, outputs: int) -> None:
    if (inputs, outputs) != (1, 1):
        raise InputError(
            f"{source} has {inputs} inputs and {outputs} outputs",
            hint="edgeq converts models with one input and one output",
        )


def _first(value: Any) -> Any:
    if isinstance(value, dict):
        return next(iter(value.values()))
    return value[0] if isinstance(value, list | tuple) else value


def input_shape(source: Path) -> tuple[int, ...]:
    """Return the shape of one sample.

    Raises:
        InputError: the model cannot be loaded, or leaves a dimension open.
    """
    _, _, shape = load_function(source)
    if not shape or None in shape:
        raise InputError(
            f"{source} takes samples of the open shape {shape}",
            hint="give its Input a fixed shape and save it again",
        )
    return tuple(int(n) for n in shape if n is not None)


def fit_samples(source: Path, x: Array, shape: tuple[int | None, ...]) -> Array:
    """Return x with the sample shape that the model takes; axes of length 1 may differ.

    Raises:
        InputError: the samples are of another shape.
    """
    known = tuple(int(n) if n is not None else None for n in shape)
    if len(known) == x.ndim - 1 and all(
        n in (None, m) for n, m in zip(known, x.shape[1:], strict=True)
    ):
        return x
    if None not in known and [n for n in known if n != 1] == [n for n in x.shape[1:] if n != 1]:
        return x.reshape(len(x), *(n or 1 for n in known))
    raise InputError(
        f"{source} takes samples of shape {known}, the dataset's are {x.shape[1:]}",
        hint="choose the dataset that the model was trained for",
    )


def export_static(source: Path, x: Array, folder: Path) -> tuple[Path, Array]:
    """Write a SavedModel with batch 1 and a signature; return it and the function's outputs on x.

    Keras' own exporter is used since a converter that is handed a Keras 3 model beside a concrete
    function leaves its variables uninitialised, in silence.
    """
    import tensorflow as tf

    call, tracked, shape = load_function(source)
    x = fit_samples(source, x, shape)
    spec = tf.TensorSpec((1, *x.shape[1:]), tf.float32, name=INPUT)
    target = folder / "static"
    if not source.is_dir():
        import keras

        archive = keras.export.ExportArchive()
        archive.track(tracked)
        archive.add_endpoint("serving_default", call, input_signature=[spec])
        archive.write_out(str(target), verbose=False)
    else:
        module = tf.Module()
        module.model = tracked
        module.serve = tf.function(call, input_signature=[spec])
        tf.saved_model.save(module, str(target), signatures={"serving_default": module.serve})
    return target, _call_in_batches(call, x)


def _call_in_batches(
    call: Callable[[Any], Any], x: Array, progress: Progress | None = None
) -> Array:
    import tensorflow as tf

    results = []
    for start in range(0, len(x), BATCH):
        results.append(np.asarray(call(tf.constant(x[start : start + BATCH], tf.float32))))
        if progress is not None:
            progress("float model", min(1.0, (start + BATCH) / len(x)))
    return np.concatenate(results)


def predict_source(source: Path, x: Array, progress: Progress) -> tuple[Array, str]:
    """Run any source on x (N, ...); return its outputs (N, ...) and the engine that ran it."""
    if source.suffix == ".tflite":
        from importlib.metadata import version

        progress("LiteRT", None)
        return run_model(source, x), f"litert-reference {version('ai-edge-litert')}"
    import tensorflow as tf

    call, _tracked, shape = load_function(source)
    x = fit_samples(source, x, shape)
    return _call_in_batches(call, x, progress), f"tensorflow {tf.__version__}"
