"""Child side: layers that compute with projected weights and train through them.

The straight-through estimator (Bengio et al. 2013, section 2.2; Courbariaux et al. 2015): forward
with projected weights, backward as if they were the latent ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from edgeq.convert.training.kernels import Kernel

# Latent weights as columns (weights, channels) -> the weights computed with; both are tensors.
Projection = Callable[[Any], Any]
PROPERTIES = {"_kernel": "kernel", "_embeddings": "embeddings"}


@contextmanager
def projected(
    kernels: Mapping[str, Kernel], projections: Mapping[str, Projection]
) -> Iterator[None]:
    """Within the context the layers compute with projected weights; behind it they hold them.

    Functions that were traced within the context are of no use outside of it.
    """
    classes = {name: type(kernel.layer) for name, kernel in kernels.items()}
    try:
        for name, kernel in kernels.items():
            _set_class(kernel, _projecting(kernel, projections[name]))
        yield
        for name, kernel in kernels.items():
            kernel.variable.assign(_apply(kernel, projections[name]))
    finally:
        for name, kernel in kernels.items():
            _set_class(kernel, classes[name])


def mix(projection: Projection, share: Any) -> Projection:
    """Return a projection that goes only `share` (0 to 1, a variable) of the way."""
    return lambda columns: columns + share * (projection(columns) - columns)


def mixing(gradual: float, epochs: int) -> tuple[Any, Any]:
    """Return a variable that rises to 1 over the first `gradual` of the epochs, and its callback.

    The callback's `settled` is the share of the epochs behind which the variable was 1 for one
    whole epoch.
    """
    import keras

    rising = min(round(gradual * epochs), epochs - 1)
    share = keras.Variable(1.0, trainable=False, name="share")

    class Ramp(keras.callbacks.Callback):  # type: ignore[misc]
        settled = (rising + 0.5) / epochs if rising else 0.0

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            share.assign(min(1.0, (epoch + 1) / (rising + 1)))

    return share, Ramp()


def _projecting(kernel: Kernel, projection: Projection) -> type:
    """Return the layer's class with a weight property that projects the variable."""
    from keras import ops

    attribute = next(a for a, v in vars(kernel.layer).items() if v is kernel.variable)

    def read(layer: Any) -> Any:
        latent = ops.convert_to_tensor(kernel.variable)
        return latent + ops.stop_gradient(_apply(kernel, projection) - latent)

    base = type(kernel.layer)
    return type(base.__name__, (base,), {PROPERTIES.get(attribute, attribute): property(read)})


def _apply(kernel: Kernel, projection: Projection) -> Any:
    from keras import ops

    latent = kernel.columns(ops.convert_to_tensor(kernel.variable), ops)
    return kernel.restore(projection(latent), ops)


def _set_class(kernel: Kernel, to: type) -> None:
    object.__setattr__(kernel.layer, "__class__", to)
