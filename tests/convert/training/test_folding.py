"""Any model with a graph becomes one flat model without batch norms that computes the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgeq.convert.training.flattening import build
from edgeq.convert.training.folding import fold_model
from edgeq.core.errors import InputError

pytestmark = pytest.mark.convert


def block(layer: str, **config: Any) -> Callable[[], Any]:
    """Return a maker of: input, the layer named "it", batch norm, ReLU."""

    def make() -> Any:
        import keras
        from keras import layers

        shape = {"1": (9, 3), "2": (8, 7, 3)}.get("2" if "2D" in layer else layer[-2:-1], (5,))
        shape = (9, 3) if "1D" in layer else shape
        inputs = keras.Input(shape)
        x = getattr(layers, layer)(name="it", **config)(inputs)
        return keras.Model(inputs, layers.ReLU()(layers.BatchNormalization(name="norm")(x)))

    return make


def sequential() -> Any:
    import keras
    from keras import layers

    parts = [layers.Conv2D(4, 3, use_bias=False), layers.BatchNormalization(), layers.ReLU(6.0)]
    return keras.Sequential([keras.Input((8, 8, 1)), *parts, layers.Flatten(), layers.Dense(2)])


def nested() -> Any:
    """Two models of the same layer names inside a third, one of them called twice."""
    import keras
    from keras import layers

    def tower() -> Any:
        parts = [layers.Dense(4, name="dense"), layers.BatchNormalization(name="norm")]
        return keras.Sequential([keras.Input((6,)), *parts])

    a, b = keras.Input((6,), name="a"), keras.Input((6,), name="b")
    first, second = tower(), tower()
    x = layers.Concatenate()([first(a), first(b), second(a)])
    inner = keras.Model(x_in := keras.Input((12,)), layers.Dense(3)(x_in) + 1.0)
    return keras.Model([a, b], [inner(x), layers.Add()([first(a), second(b)])])


def activated() -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((8, 8, 2))
    x = layers.BatchNormalization(name="entry")(inputs)
    x = layers.Conv2D(4, 3, activation="tanh", name="conv")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.BatchNormalization(name="again")(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, layers.Dense(3, activation="softmax", name="head")(x))


def branching() -> Any:
    """A convolution that a batch norm and another layer read: it cannot be folded back."""
    import keras
    from keras import layers

    inputs = keras.Input((8, 8, 2))
    x = layers.Conv2D(4, 3, name="conv")(inputs)
    return keras.Model(inputs, layers.Add()([x, layers.BatchNormalization(name="norm")(x)]))


def shared() -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((6,))
    dense, norm = layers.Dense(6, name="dense"), layers.BatchNormalization(name="norm")
    x = norm(dense(inputs))
    return keras.Model(inputs, layers.BatchNormalization(name="last")(dense(x)))


MODELS: dict[str, Callable[[], Any]] = {
    "dense": block("Dense", units=4),
    "conv1d": block("Conv1D", filters=4, kernel_size=3, use_bias=False),
    "conv2d": block("Conv2D", filters=4, kernel_size=3, strides=2, padding="same"),
    "grouped": block("Conv2D", filters=6, kernel_size=3, groups=3),
    "depthwise": block("DepthwiseConv2D", kernel_size=3, depth_multiplier=2, use_bias=False),
    "depthwise1d": block("DepthwiseConv1D", kernel_size=3),
    "transpose": block("Conv2DTranspose", filters=4, kernel_size=3, strides=2),
    "transpose1d": block("Conv1DTranspose", filters=4, kernel_size=3),
    "separable": block("SeparableConv2D", filters=4, kernel_size=3, depth_multiplier=2),
    "separable1d": block("SeparableConv1D", filters=4, kernel_size=3, activation="relu"),
    "sequential": sequential,
    "nested": nested,
    "activated": activated,
    "branching": branching,
    "shared": shared,
}
# A layer with two different batch norms behind its two calls.
KEPT = {"shared": ["norm", "last"]}


def seeded(make: Callable[[], Any]) -> Any:
    """Return a model with batch norms that do something."""
    import keras

    keras.utils.set_random_seed(1)
    model, rng = make(), np.random.default_rng(2)
    for variable in model.variables:
        if variable.dtype == "float32" and "seed" not in variable.name:
            spread = rng.uniform(0.2, 1.5, variable.shape)
            variable.assign(spread if "variance" in variable.name else spread - 0.7)
    return model


def run(model: Any, count: int = 6) -> list[Any]:
    rng = np.random.default_rng(3)
    x = [rng.normal(size=(count, *port.shape[1:])).astype(np.float32) for port in model.inputs]
    outputs = model(x if len(x) > 1 else x[0], training=False)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    return [output.numpy() for output in outputs]


def folded(model: Any) -> Any:
    return build(fold_model(model))


@pytest.mark.parametrize("name", MODELS)
def test_the_flat_model_computes_the_same_without_batch_norms(name: str) -> None:
    import keras

    model = seeded(MODELS[name])
    flat = folded(model)
    for before, after in zip(run(model), run(flat), strict=True):
        np.testing.assert_allclose(after, before, atol=1e-4, rtol=1e-4)
    norms = [e.name for e in flat.layers if isinstance(e, keras.layers.BatchNormalization)]
    assert norms == KEPT.get(name, [])
    assert not any(isinstance(e, keras.Model) for e in flat.layers)
    again = keras.models.model_from_json(flat.to_json())
    assert [e.name for e in again.layers] == [e.name for e in flat.layers]


def test_layers_keep_their_names_and_their_order_of_ports() -> None:
    names = {layer.name for layer in folded(seeded(activated)).layers}
    assert {"conv", "conv_tanh", "head", "head_softmax", "entry", "norm"} <= names
    assert [port.name for port in folded(seeded(nested)).inputs] == ["a", "b"]
    separable = folded(seeded(MODELS["separable"]))
    assert {"it_depthwise", "it"} <= {layer.name for layer in separable.layers}


def test_folding_again_changes_nothing() -> None:
    once = folded(seeded(activated))
    twice = folded(once)
    assert [layer.name for layer in twice.layers] == [layer.name for layer in once.layers]
    for a, b in zip(once.get_weights(), twice.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_original_is_left_as_it_was() -> None:
    model = seeded(activated)
    before, names = run(model), [layer.name for layer in model.layers]
    folded(model)
    assert [layer.name for layer in model.layers] == names
    for a, b in zip(before, run(model), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_subclassed_model_is_named_in_the_error() -> None:
    import keras

    class Own(keras.Model):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return x

    with pytest.raises(InputError, match="'own' has no graph of layers"):
        folded(Own(name="own"))
