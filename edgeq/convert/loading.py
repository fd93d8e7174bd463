"""Child side: sources loaded into TensorFlow, as a function of batches and of one sample."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from edgeq.convert.identifiers import use_integer_ids
from edgeq.convert.interpreters import output_names, run_model, tflite_ports
from edgeq.convert.metrics import Array
from edgeq.convert.rewriting import is_fused, rewrite_layers
from edgeq.convert.safety import scan_source
from edgeq.convert.samples import Inputs
from edgeq.convert.signatures import Names, input_labels, output_labels
from edgeq.core.errors import InputError
from edgeq.data.ports import Port, fit_inputs

BATCH = 32
SIGNATURE = "serving_default"
Progress = Callable[[str, float | None], None]


class Source(NamedTuple):
    """A loaded model: `call` takes its inputs' batches in order and returns all its outputs.

    `tracked` is what TensorFlow must keep alive, the Keras model or the SavedModel.
    """

    call: Callable[[Sequence[Any]], list[Any]]
    tracked: Any
    inputs: tuple[Port, ...]
    outputs: tuple[str, ...]
    keras: bool


class Traced(NamedTuple):
    """A source's function for one sample, what it gave on several, and what was rewritten in it.

    The function holds its variables weakly: the source keeps them. `folder` is its SavedModel,
    where one was needed.
    """

    source: Source
    function: Any
    folder: Path | None
    names: Names
    outputs: Inputs
    notes: tuple[str, ...]


def load_source(path: Path) -> Source:
    """Return the model of a .keras, .h5 or SavedModel.

    Raises:
        InputError: Keras or TensorFlow refuses the file.
    """
    source: Source = _refused(path, _load_saved_model if path.is_dir() else _load_keras)
    return source


def load_keras(path: Path) -> Any:
    """Return the Keras model of a .keras or .h5 file.

    Raises:
        InputError: it is refused, or no layers can be made of it.
    """
    if path.is_dir() or path.suffix == ".tflite":
        raise InputError(
            f"{path} has no Keras layers, which a training step needs",
            hint="give the .keras or .h5 file, or a recipe without training steps",
        )
    return _refused(path, read_keras)


def _refused(path: Path, load: Callable[[Path], Any]) -> Any:
    """Scan and load a file; what TensorFlow and Keras raise becomes an InputError."""
    scan_source(path)
    try:
        return load(path)
    except (ValueError, TypeError, OSError, KeyError, AttributeError, ImportError) as error:
        raise InputError(
            f"{path} cannot be loaded: {str(error)[:300]}",
            hint="save it again with Keras 3: model.save('model.keras')",
        ) from error


def read_keras(path: Path) -> Any:
    """Return the Keras model of a file that was scanned; ids for its embeddings are int32."""
    import keras

    class DepthwiseConv2D(keras.layers.DepthwiseConv2D):  # type: ignore[misc]
        """Keras 2 wrote a `groups` of 1 that Keras 3 does not know."""

        @classmethod
        def from_config(cls, config: dict[str, Any]) -> Any:
            return super().from_config({k: v for k, v in config.items() if k != "groups"})

    known = {"DepthwiseConv2D": DepthwiseConv2D}
    model = keras.models.load_model(path, compile=False, safe_mode=True, custom_objects=known)
    return use_integer_ids(model, path, known)


def _load_keras(path: Path) -> Source:
    return wrap_keras(read_keras(path))


def wrap_keras(model: Any) -> Source:
    """Return a Keras model as a source."""
    ports = tuple(Port(p.name, tuple(p.shape[1:]), p.dtype) for p in model.inputs)
    # A Sequential model has no output_names.
    names = tuple(port._keras_history.operation.name for port in model.outputs)
    names = tuple(getattr(model, "output_names", names))

    def call(inputs: Sequence[Any]) -> list[Any]:
        given = model(inputs[0] if len(inputs) == 1 else list(inputs), training=False)
        return _listed(given, names)

    return Source(call, model, ports, names, keras=True)


def _load_saved_model(path: Path) -> Source:
    import tensorflow as tf

    with tempfile.TemporaryDirectory(prefix="edgeq-") as name:
        loaded = tf.saved_model.load(str(strip_slots(path, Path(name) / "model")))
    if not loaded.signatures:
        raise ValueError("it has no signature")
    known = loaded.signatures
    serve = known[SIGNATURE if SIGNATURE in known else next(iter(known))]
    specs = dict(sorted(serve.structured_input_signature[1].items()))
    ports = tuple(Port(n, tuple(s.shape[1:]), s.dtype.name) for n, s in specs.items())
    outputs = tuple(sorted(serve.structured_outputs))

    def call(inputs: Sequence[Any]) -> list[Any]:
        given = serve(**dict(zip(specs, inputs, strict=True)))
        return [given[name] for name in outputs]

    # The signature holds its variables weakly: whoever calls it must keep `loaded`.
    return Source(call, loaded, ports, outputs, keras=False)


def strip_slots(source: Path, target: Path) -> Path:
    """Copy a SavedModel without its optimizer's slots, which need the Keras that saved them."""
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    shutil.copytree(source, target)
    model = SavedModel.FromString((target / "saved_model.pb").read_bytes())
    for graph in model.meta_graphs:
        for node in graph.object_graph_def.nodes:
            del node.slot_variables[:]
    (target / "saved_model.pb").write_bytes(model.SerializeToString())
    return target


def _listed(value: Any, names: Sequence[str]) -> list[Any]:
    """Return a Keras model's outputs in the order of `names`, be they one, a list or a dict."""
    if isinstance(value, dict):
        return [value[name] for name in names] if set(names) == set(value) else [*value.values()]
    return list(value) if isinstance(value, list | tuple) else [value]


def source_ports(path: Path) -> tuple[Port, ...]:
    """Return the inputs of any model."""
    return tflite_ports(path) if path.suffix == ".tflite" else load_source(path).inputs


def fixed_ports(path: Path) -> tuple[Port, ...]:
    """Return the inputs of a model, their shapes fixed.

    Raises:
        InputError: the model cannot be loaded, or leaves a dimension open.
    """
    ports = source_ports(path)
    for port in ports:
        if not port.shape or None in port.shape:
            raise InputError(
                f"{path} takes samples of the open shape {port.shape} at its input '{port.name}'",
                hint="give its Input a fixed shape and save it again",
            )
    return ports


def trace_static(source: Source, inputs: Inputs, folder: Path, *, fuse: bool = False) -> Traced:
    """Trace a source with batch 1; give what it computes on `inputs`.

    `inputs` are in the model's order, shapes and dtypes. Layers that no converter takes as they
    are get rewritten first (`rewriting`). A converter inlines the functions of a function: a fused
    LSTM needs a SavedModel, written to `folder`, which takes three times as long.
    """
    import tensorflow as tf

    outputs = call_in_batches(source.call, inputs)
    names = Names(tuple(port.name for port in source.inputs), source.outputs)
    labelled = zip(inputs, input_labels(len(inputs)), strict=True)
    specs = [tf.TensorSpec((1, *x.shape[1:]), x.dtype, name=label) for x, label in labelled]
    labels = output_labels(len(outputs))

    def serve(*given: Any) -> dict[str, Any]:
        return dict(zip(labels, source.call(given), strict=True))

    notes = rewrite_layers(source.tracked, fuse=fuse) if source.keras else []
    function = tf.function(serve, input_signature=specs).get_concrete_function()
    needed = any(is_fused(note) for note in notes)
    saved = _save(source.tracked, serve, specs, folder / "static") if needed else None
    return Traced(source, function, saved, names, outputs, tuple(notes))


def _save(model: Any, serve: Callable[..., Any], specs: list[Any], target: Path) -> Path:
    import keras

    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serving_default", serve, input_signature=specs)
    archive.write_out(str(target), verbose=False)
    return target


def make_converter(traced: Traced) -> Any:
    """Return TFLiteConverter for a traced source, which freezes its variables.

    It is given the function alone: with a Keras 3 model beside it, it leaves the variables
    uninitialised, in silence.
    """
    import tensorflow as tf

    if traced.folder is not None:
        return tf.lite.TFLiteConverter.from_saved_model(str(traced.folder))
    return tf.lite.TFLiteConverter.from_concrete_functions([traced.function])


def call_in_batches(
    call: Callable[[Sequence[Any]], list[Any]], inputs: Inputs, progress: Progress | None = None
) -> Inputs:
    """Return every output (N, ...) of a function for `inputs` (N, ...)."""
    import tensorflow as tf

    results: list[list[Array]] = []
    count = len(inputs[0])
    for start in range(0, count, BATCH):
        given = call([tf.constant(x[start : start + BATCH]) for x in inputs])
        results.append([np.asarray(value) for value in given])
        if progress is not None:
            progress("float model", min(1.0, (start + BATCH) / count))
    return tuple(np.concatenate(parts) for parts in zip(*results, strict=True))


def predict_source(
    path: Path, inputs: Inputs, names: Sequence[str], progress: Progress
) -> tuple[Inputs, tuple[str, ...], str]:
    """Run any source on inputs (N, ...); return its outputs, their names and the engine."""
    if path.suffix == ".tflite":
        from importlib.metadata import version

        progress("LiteRT", None)
        inputs = fit_inputs(path, tflite_ports(path), inputs, names)
        engine = f"litert-reference {version('ai-edge-litert')}"
        return run_model(path, inputs), output_names(path), engine
    import tensorflow as tf

    source = load_source(path)
    inputs = fit_inputs(path, source.inputs, inputs, names)
    outputs = call_in_batches(source.call, inputs, progress)
    return outputs, source.outputs, f"tensorflow {tf.__version__}"
