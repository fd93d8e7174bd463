"""Child side: Keras layers rewritten so that a converter makes integer operators of them.

The layers' own objects are changed, their weights stay: only the graph that is exported differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

FUSED = "UNIDIRECTIONAL_SEQUENCE_LSTM"
STATE = (
    "quantised by TFLiteConverter, which alone calibrates its gates; it keeps its state from one "
    "inference to the next: call NAME_init before each sequence"
)


def rewrite_layers(model: Any, *, fuse: bool) -> list[str]:
    """Rewrite embeddings and recurrent layers; return what was chosen for each recurrent one.

    With `fuse`, an LSTM becomes one operator where it can; everything else is unrolled.

    The list is filled when the model is next called, which is when a layer knows its masks and
    initial states.
    """
    notes: list[str] = []
    for layer in all_layers(model):
        for kind, rewrite in _table(fuse):
            if isinstance(layer, kind):
                own = partial(type(layer).call, layer)
                object.__setattr__(layer, "call", partial(rewrite, layer, own, notes))
                break
    return notes


def is_fused(note: str) -> bool:
    """Whether a note of `rewrite_layers` says that an LSTM became one operator."""
    return f" as {FUSED};" in note


def all_layers(model: Any) -> Iterator[Any]:
    """Yield the layers of a model, those inside models and wrappers too, each once."""
    seen: set[int] = set()
    for layer in model._flatten_layers(include_self=False, recursive=True):
        if id(layer) not in seen:
            seen.add(id(layer))
            yield layer


def _table(fuse: bool) -> list[tuple[Any, Callable[..., Any]]]:
    from keras import layers

    return [
        (layers.Embedding, _look_up),
        (layers.LSTM, _run_lstm if fuse else _unroll),
        (layers.RNN, _unroll),
    ]


def _look_up(layer: Any, call: Any, notes: list[str], ids: Any) -> Any:
    """Gather rows by ids from 0 on; Keras also counts negative ids from the end."""
    import tensorflow as tf

    ids = ids if ids.dtype.is_integer else tf.cast(ids, tf.int32)
    return tf.gather(tf.convert_to_tensor(layer.embeddings), ids)


def _unroll(layer: Any, call: Any, notes: list[str], *args: Any, **options: Any) -> Any:
    """Compute every step by operators of its own."""
    layer.unroll = True
    _note(notes, f"{layer.name}: {type(layer).__name__} unrolled")
    return call(*args, **options)


def _run_lstm(
    layer: Any,
    call: Any,
    notes: list[str],
    sequences: Any,
    initial_state: Any = None,
    mask: Any = None,
    training: bool = False,
) -> Any:
    """Compute an LSTM by the fused operator, where that can; else unrolled."""
    why = _why_not_fused(layer, initial_state, mask)
    if why is not None:
        layer.unroll = True
        _note(notes, f"{layer.name}: LSTM unrolled, since {why}")
        return call(sequences, initial_state=initial_state, mask=mask, training=training)
    _note(notes, f"{layer.name}: LSTM as {FUSED}; {STATE}")
    return _fuse(layer, sequences)


def _why_not_fused(layer: Any, initial_state: Any, mask: Any) -> str | None:
    cell = layer.cell
    functions = [getattr(f, "__name__", "") for f in (cell.activation, cell.recurrent_activation)]
    reasons = {
        "it returns its states": layer.return_state,
        "it is stateful": layer.stateful,
        "it starts from a given state": initial_state is not None,
        "it is masked": mask is not None,
        f"its activations are {functions[0]} and {functions[1]}": functions != ["tanh", "sigmoid"],
        "it has no bias": not cell.use_bias,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _fuse(layer: Any, sequences: Any) -> Any:
    """Call the steps as one function whose attributes TFLiteConverter takes for an LSTM's.

    See ConvertKerasLSTMLayer, tensorflow/compiler/mlir/lite/utils/lstm_utils.cc: six arguments,
    five results, of which the last three may not be used.
    """
    import tensorflow as tf

    if layer.go_backwards:
        sequences = tf.reverse(sequences, [1])
    order = {"time_major": False, "go_backwards": False}
    attributes = {"api_implements": f"lstm_{layer.name}", **order}
    steps = tf.function(_lstm_steps, autograph=False, experimental_attributes=attributes)
    zeros = tf.zeros((sequences.shape[0], layer.units))
    cell = layer.cell
    weights = [tf.convert_to_tensor(w) for w in (cell.kernel, cell.recurrent_kernel, cell.bias)]
    last, every, *_ = steps(sequences, zeros, zeros, *weights)
    return every if layer.return_sequences else last


def _lstm_steps(x: Any, h: Any, c: Any, kernel: Any, recurrent: Any, bias: Any) -> Any:
    """Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000."""
    import tensorflow as tf

    outputs = []
    for step in range(x.shape[1]):
        gates = tf.matmul(x[:, step], kernel) + tf.matmul(h, recurrent) + bias
        i, f, g, o = tf.split(gates, 4, axis=1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        h = tf.sigmoid(o) * tf.tanh(c)
        outputs.append(h)
    return h, tf.stack(outputs, axis=1), h, c, tf.constant(0.0)


def _note(notes: list[str], text: str) -> None:
    if text not in notes:
        notes.append(text)
