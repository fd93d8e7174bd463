"""Random int8 graphs of several operators, with dead channels and redundant operators in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from hypothesis import strategies as st

from edgeq.graph.ir import Graph, Tensor
from tests.support.models import ModelBuilder, activation, constant, window_output

Rng = np.random.Generator
# Adds an operator that reads a tensor; returns its output, or None where it cannot.
Step = Callable[[ModelBuilder, int, Rng], int | None]

_ACTIVATIONS = ("NONE", "RELU", "RELU6", "RELU_N1_TO_1")


@st.composite
def random_graphs(draw: st.DrawFn, steps: Sequence[str] = ()) -> Graph:
    """Return a graph of 3 to 8 operators out of `steps` (all of them by default)."""
    names = steps or tuple(STEPS)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    model = ModelBuilder()
    shape = (1, *(int(n) for n in rng.integers((2, 2, 1), (7, 7, 7))))
    made = [model.input(_any(shape, rng))]
    for name in rng.choice(names, rng.integers(3, 9)):
        source = made[-1] if rng.random() < 0.8 else int(rng.choice(made))
        result = STEPS[name](model, source, rng)
        if result is not None:
            made.append(result)
    if len(made) == 1 or rng.random() < 0.5:
        made.append(_dense(model, made[-1], rng))
    extra = [t for t in made[1:-1] if rng.random() < 0.1]
    return model.build([made[-1], *extra])


def _any(shape: Sequence[int], rng: Rng) -> Tensor:
    """Return an activation; many of a network's have the lowest zero point."""
    zero = int(rng.choice([-128, -128, 0, 127, int(rng.integers(-128, 128))]))
    return activation([int(n) for n in shape], "int8", float(rng.uniform(0.02, 0.2)), zero)


def _alike(model: ModelBuilder, x: int, shape: Sequence[int]) -> Tensor:
    q = model.tensors[x].quantization
    assert q is not None
    return activation([int(n) for n in shape], "int8", q.scale, q.zero_point)


def _shape(model: ModelBuilder, x: int) -> tuple[int, ...]:
    return model.tensors[x].shape


def _scale(model: ModelBuilder, x: int) -> float:
    q = model.tensors[x].quantization
    assert q is not None
    return q.scale


def _weights(rng: Rng, shape: tuple[int, ...], outputs: int) -> tuple[Tensor, np.ndarray]:
    """Return a filter of which some outputs are faint and some inputs are read by none."""
    values = rng.integers(-127, 128, shape)
    axis = 3 if shape[0] == 1 and len(shape) == 4 and shape[3] == outputs else 0
    strength = rng.choice([0.0, 0.02, 1.0], outputs, p=[0.1, 0.3, 0.6])
    values = (
        values * np.expand_dims(strength, [i for i in range(len(shape)) if i != axis])
    ).astype(int)
    if axis == 0 and rng.random() < 0.5:
        values[..., rng.random(shape[-1]) < 0.3] = 0
    scales = list(rng.uniform(0.002, 0.02, outputs)) if rng.random() < 0.7 else [0.01]
    return constant(values, "int8", scales, axis=axis), np.array(scales)


def _bias(model: ModelBuilder, x: int, rng: Rng, outputs: int, scales: np.ndarray) -> list[Tensor]:
    """Return a bias that some outputs cannot overcome, or none."""
    if rng.random() < 0.2:
        return []
    values = rng.integers(-2000, 2001, outputs) * rng.choice([1, 30, 2000], outputs)
    return [constant(values, "int32", list(scales * _scale(model, x)))]


def _window(shape: Sequence[int], rng: Rng) -> tuple[list[int], dict[str, object]] | None:
    kernel = [int(k) for k in rng.choice([1, 1, 2, 3], 2)]
    padding, stride = str(rng.choice(["SAME", "VALID"])), int(rng.integers(1, 3))
    if padding == "VALID" and any(k > n for k, n in zip(kernel, shape[1:3], strict=True)):
        return None
    options: dict[str, object] = {
        "padding": padding,
        "stride_h": stride,
        "stride_w": stride,
        "fused_activation_function": str(rng.choice(_ACTIVATIONS)),
    }
    return kernel, options


def _sizes(shape: Sequence[int], kernel: Sequence[int], options: dict[str, object]) -> list[int]:
    stride, padding = int(str(options["stride_h"])), str(options["padding"])
    return [window_output(n, k, stride, padding) for n, k in zip(shape[1:3], kernel, strict=True)]


def _convolution(model: ModelBuilder, x: int, rng: Rng) -> int | None:
    shape = _shape(model, x)
    window = _window(shape, rng) if len(shape) == 4 else None
    if window is None:
        return None
    kernel, options = window
    outputs = int(rng.integers(1, 9))
    weights, scales = _weights(rng, (outputs, *kernel, shape[3]), outputs)
    result = _any((shape[0], *_sizes(shape, kernel, options), outputs), rng)
    dilations = {"dilation_h_factor": 1, "dilation_w_factor": 1}
    inputs = [x, weights, *_bias(model, x, rng, outputs, scales)]
    return model.op("CONV_2D", inputs, result, {**options, **dilations})  # type: ignore[dict-item]


def _depthwise(model: ModelBuilder, x: int, rng: Rng) -> int | None:
    shape = _shape(model, x)
    window = _window(shape, rng) if len(shape) == 4 else None
    if window is None:
        return None
    kernel, options = window
    copies = int(rng.choice([1, 1, 2]))
    outputs = shape[3] * copies
    weights, scales = _weights(rng, (1, *kernel, outputs), outputs)
    result = _any((shape[0], *_sizes(shape, kernel, options), outputs), rng)
    more = {"depth_multiplier": copies, "dilation_h_factor": 1, "dilation_w_factor": 1}
    inputs = [x, weights, *_bias(model, x, rng, outputs, scales)]
    return model.op("DEPTHWISE_CONV_2D", inputs, result, {**options, **more})  # type: ignore[dict-item]


def _dense(model: ModelBuilder, x: int, rng: Rng) -> int:
    shape = _shape(model, x)
    depth = int(np.prod(shape)) if rng.random() < 0.5 else shape[-1]
    outputs, rows = int(rng.integers(1, 9)), int(np.prod(shape)) // depth
    weights, scales = _weights(rng, (outputs, depth), outputs)
    options = {"fused_activation_function": str(rng.choice(_ACTIVATIONS))}
    inputs = [x, weights, *_bias(model, x, rng, outputs, scales)]
    return model.op("FULLY_CONNECTED", inputs, _any((rows, outputs), rng), options)


def _pool(op: str) -> Step:
    def step(model: ModelBuilder, x: int, rng: Rng) -> int | None:
        shape = _shape(model, x)
        window = _window(shape, rng) if len(shape) == 4 else None
        if window is None:
            return None
        kernel, options = window
        sizes = {"filter_height": kernel[0], "filter_width": kernel[1]}
        result = _alike(model, x, (shape[0], *_sizes(shape, kernel, options), shape[3]))
        return model.op(op, [x], result, {**options, **sizes})  # type: ignore[dict-item]

    return step


def _binary(op: str) -> Step:
    def step(model: ModelBuilder, x: int, rng: Rng) -> int | None:
        shape = _shape(model, x)
        others = [t.index for t in model.tensors if t.shape == shape and not t.is_constant]
        other: int | Tensor = int(rng.choice(others))
        if rng.random() < 0.3:
            small = shape if rng.random() < 0.5 else (shape[-1],)
            other = constant(rng.integers(-128, 128, small), "int8", 0.1, int(rng.integers(-9, 9)))
        if op in ("MAXIMUM", "MINIMUM"):
            return model.op(op, [x, other], _any(shape, rng))
        options = {"fused_activation_function": str(rng.choice(_ACTIVATIONS))}
        return model.op(op, [x, other], _any(shape, rng), options)

    return step


def _scalar(model: ModelBuilder, x: int, rng: Rng) -> int | None:
    """An operator with a constant of one element, on either side."""
    shape, op = _shape(model, x), str(rng.choice(["ADD", "SUB", "MUL"]))
    value = model.add(constant([int(rng.integers(-128, 128))], "int8", 0.1, int(rng.integers(99))))
    options = {"fused_activation_function": str(rng.choice(_ACTIVATIONS))}
    operands = [x, value] if rng.random() < 0.5 else [value, x]
    return model.op(op, operands, _any(shape, rng), options)


def _row(model: ModelBuilder, x: int, rng: Rng) -> int | None:
    """An operator with a constant for each channel."""
    shape, op = _shape(model, x), str(rng.choice(["ADD", "SUB", "MUL", "PRELU"]))
    row = (*(1 for _ in shape[1:-1]), shape[-1])
    value = constant(rng.integers(-128, 128, row), "int8", 0.1, int(rng.integers(99)))
    return model.op(op, [x, value], _any(shape, rng))


def _unary(op: str, **fixed: float) -> Step:
    def step(model: ModelBuilder, x: int, rng: Rng) -> int | None:
        shape, options = _shape(model, x), {"alpha": 0.25} if op == "LEAKY_RELU" else {}
        result = _alike(model, x, shape) if rng.random() < 0.5 else _any(shape, rng)
        if fixed:
            result = activation(shape, "int8", fixed["scale"], int(fixed["zero"]))
        return model.op(op, [x], result, options)

    return step


def _concatenation(model: ModelBuilder, x: int, rng: Rng) -> int | None:
    shape = _shape(model, x)
    others = [t.index for t in model.tensors if t.shape == shape and not t.is_constant]
    parts = [x, *(int(rng.choice(others)) for _ in range(rng.integers(0, 3)))]
    axis = int(rng.integers(-1, len(shape)))
    result = list(shape)
    result[axis] *= len(parts)
    return model.op("CONCATENATION", parts, _alike(model, x, result), {"axis": axis})


def _pad(model: ModelBuilder, x: int, rng: Rng) -> int | None:
    shape = _shape(model, x)
    edges = rng.integers(0, 3, (len(shape), 2)) * (rng.random() < 0.8)
    edges[0] = edges[-1] = 0
    if rng.random() < 0.1:
        edges[-1] = (1, 2)
    result = _alike(model, x, np.array(shape) + edges.sum(axis=1))
    return model.op("PAD", [x, constant(edges, "int32")], result)


def _reshape(model: ModelBuilder, x: int, rng: Rng) -> int | None:
    shape = _shape(model, x)
    wanted = [(1, int(np.prod(shape))), (*shape, 1), (1, *shape[-1:], -1), shape, (1, *shape)]
    new = wanted[int(rng.integers(len(wanted)))]
    known = int(np.prod([n for n in new if n > 0]))
    full = tuple(int(np.prod(shape)) // known if n < 0 else n for n in new)
    if len(full) > 5:
        return None
    return model.op("RESHAPE", [x, constant(full, "int32")], _alike(model, x, full))


def _transpose(model: ModelBuilder, x: int, rng: Rng) -> int | None:
    shape = _shape(model, x)
    order = rng.permutation(len(shape))
    result = _alike(model, x, [shape[i] for i in order])
    return model.op("TRANSPOSE", [x, constant(order, "int32")], result)


def _slice(model: ModelBuilder, x: int, rng: Rng) -> int | None:
    shape = np.array(_shape(model, x))
    begin = (rng.integers(0, shape) * (rng.random(len(shape)) < 0.3)).astype(int)
    size = shape - begin
    consts = [constant(begin, "int32"), constant(size, "int32")]
    return model.op("SLICE", [x, *consts], _alike(model, x, size))


def _split(model: ModelBuilder, x: int, rng: Rng) -> int | None:
    """Two parts of any size, of which only one is read."""
    shape, axis = _shape(model, x), len(_shape(model, x)) - 1
    if shape[axis] < 2:
        return None
    size = int(rng.integers(1, shape[axis]))
    parts = [_alike(model, x, (*shape[:axis], n)) for n in (size, shape[axis] - size)]
    given = [constant([size, -1], "int32"), constant(axis, "int32")]
    first = model.op("SPLIT_V", [x, *given], parts, {"num_splits": 2})
    return first + int(rng.integers(2))


def _mean(model: ModelBuilder, x: int, rng: Rng) -> int | None:
    shape = _shape(model, x)
    if len(shape) != 4:
        return None
    axes = [(1, 2), (1,), (3,)][int(rng.integers(3))]
    full = [1 if i in axes else n for i, n in enumerate(shape)]
    return model.op("MEAN", [x, constant(axes, "int32")], _any(full, rng), {"keep_dims": True})


def _resize(model: ModelBuilder, x: int, rng: Rng) -> int | None:
    shape = _shape(model, x)
    if len(shape) != 4:
        return None
    size = [int(n) for n in rng.integers(1, 9, 2)]
    op = str(rng.choice(["RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"]))
    result = _alike(model, x, (shape[0], *size, shape[3]))
    options = {"align_corners": False, "half_pixel_centers": bool(rng.random() < 0.5)}
    return model.op(op, [x, constant(size, "int32")], result, options)


def _softmax(model: ModelBuilder, x: int, rng: Rng) -> int | None:
    result = activation(_shape(model, x), "int8", 1 / 256, -128)
    return model.op("SOFTMAX", [x], result, {"beta": 1.0})


STEPS: dict[str, Step] = {
    "convolution": _convolution,
    "depthwise": _depthwise,
    "dense": _dense,
    "average_pool": _pool("AVERAGE_POOL_2D"),
    "max_pool": _pool("MAX_POOL_2D"),
    **{op.lower(): _binary(op) for op in ("ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM")},
    **{op.lower(): _unary(op) for op in ("RELU", "RELU6", "RELU_N1_TO_1", "LEAKY_RELU")},
    "quantize": _unary("QUANTIZE"),
    "scalar": _scalar,
    "row": _row,
    "logistic": _unary("LOGISTIC", scale=1 / 256, zero=-128),
    "tanh": _unary("TANH", scale=1 / 128, zero=0),
    "concatenation": _concatenation,
    "pad": _pad,
    "reshape": _reshape,
    "transpose": _transpose,
    "slice": _slice,
    "split": _split,
    "mean": _mean,
    "resize": _resize,
    "softmax": _softmax,
}
