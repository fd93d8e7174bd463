"""Child side: any Keras 3 model with a graph as a flat list of calls, and back to a model.

Functional, Sequential and nested models become one level; the description holds no Keras state,
so that rewriting it is plain data work.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgeq.convert.metrics import Array
from edgeq.core.errors import InputError


@dataclass(frozen=True, slots=True, eq=False)
class LayerSpec:
    """A layer by class, config and weights; calls that share a layer share the object.

    `operation` is set for a Keras operation that is no layer (x + 1): it is called as it is.
    """

    name: str
    kind: type
    config: Mapping[str, Any]
    weights: tuple[Array, ...]
    operation: Any = None

    def is_a(self, *names: str) -> bool:
        """Whether the class, or one above it, has one of these names."""
        return any(base.__name__ in names for base in self.kind.__mro__)


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One call of a layer: values are numbered; `node` is Keras' record of other arguments."""

    spec: LayerSpec
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    node: Any = None


@dataclass(frozen=True, slots=True, eq=False)
class Flat:
    """A model of one level: its calls in order, and which values enter and leave.

    `ports` are the symbolic inputs (name, shape, dtype) of the values `inputs`.
    """

    name: str
    ports: tuple[Any, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    calls: tuple[Call, ...]

    def consumers(self, value: int) -> list[Call]:
        """Return the calls that read a value."""
        return [call for call in self.calls if value in call.inputs]

    def producers(self) -> dict[int, Call]:
        """Return the call that makes each value."""
        return {value: call for call in self.calls for value in call.outputs}

    def calls_of(self, spec: LayerSpec) -> int:
        """Return how often a layer is called."""
        return sum(call.spec is spec for call in self.calls)

    def unused_value(self) -> int:
        """Return a number that no value has."""
        return 1 + max((*self.inputs, *(v for call in self.calls for v in call.outputs)))


def flatten(model: Any) -> Flat:
    """Return the calls of a built model, nested models inlined, names kept and unique.

    Raises:
        InputError: the model is subclassed or was never built: it has no graph.
    """
    walk = _Walk()
    inputs = tuple(range(len(_graph_of(model, "").inputs)))
    walk.count = len(inputs)
    outputs = walk.through(model, inputs, "")
    ports = tuple(_graph_of(model, "").inputs)
    return Flat(model.name, ports, inputs, tuple(outputs), tuple(walk.calls))


class _Walk:
    """The calls found so far, and the layers' specs by identity."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.specs: dict[int, LayerSpec] = {}
        self.names: set[str] = set()
        self.count = 0

    def through(self, model: Any, feeds: Sequence[int], path: str) -> list[int]:
        """Add a model's calls for the values `feeds`; return the values of its outputs."""
        graph = _graph_of(model, path)
        values = {id(port): value for port, value in zip(graph.inputs, feeds, strict=True)}
        for depth in sorted(graph._nodes_by_depth, reverse=True):
            for node in graph._nodes_by_depth[depth]:
                if not node.is_input:
                    self._visit(node, values, path)
        return [values[id(port)] for port in graph.outputs]

    def _visit(self, node: Any, values: dict[int, int], path: str) -> None:
        inputs = tuple(values[id(tensor)] for tensor in node.input_tensors)
        layer = node.operation
        if _is_model(layer):
            outputs = self.through(layer, inputs, f"{path}{layer.name}_")
        else:
            outputs = list(range(self.count, self.count + len(node.output_tensors)))
            self.count += len(outputs)
            self.calls.append(Call(self._spec(layer, path), inputs, tuple(outputs), node))
        values.update({id(t): v for t, v in zip(node.output_tensors, outputs, strict=True)})

    def _spec(self, layer: Any, path: str) -> LayerSpec:
        import keras

        if id(layer) not in self.specs:
            name = self._name(layer.name, path)
            if isinstance(layer, keras.layers.Layer):
                config = {**layer.get_config(), "name": name}
                weights = tuple(layer.get_weights())
                self.specs[id(layer)] = LayerSpec(name, type(layer), config, weights)
            else:
                self.specs[id(layer)] = _operation_spec(layer, name)
        return self.specs[id(layer)]

    def _name(self, name: str, path: str) -> str:
        """Return a layer's own name, or where two nested models share it, its path as well."""
        for candidate in (name, path + name):
            if candidate not in self.names:
                self.names.add(candidate)
                return candidate
        place = 1
        while f"{path}{name}_{place}" in self.names:
            place += 1
        self.names.add(f"{path}{name}_{place}")
        return f"{path}{name}_{place}"


def _is_model(layer: Any) -> bool:
    import keras

    return isinstance(layer, keras.Model)


def _graph_of(model: Any, path: str) -> Any:
    """Return the functional graph of a model."""
    import keras

    graph = getattr(model, "_functional", None) if isinstance(model, keras.Sequential) else model
    if graph is None or not hasattr(graph, "_nodes_by_depth"):
        raise InputError(
            f"the model '{path}{model.name}' has no graph of layers: it is subclassed or not built",
            hint="build it with keras.Input and keras.Model(inputs, outputs), and save it again",
        )
    return graph


# Operations on symbolic tensors that are a layer by another name.
_AS_LAYERS = {"Add": "Add", "Subtract": "Subtract", "Multiply": "Multiply", "Maximum": "Maximum"}


def _operation_spec(operation: Any, name: str) -> LayerSpec:
    import keras

    node, kind = operation._inbound_nodes[0], type(operation).__name__
    shapes = {tuple(tensor.shape) for tensor in node.input_tensors}
    if kind in _AS_LAYERS and len(node.input_tensors) == 2 and len(shapes) == 1:
        layer = getattr(keras.layers, _AS_LAYERS[kind])
        return LayerSpec(name, layer, {"name": name}, ())
    return LayerSpec(name, type(operation), {}, (), operation)


Make = Callable[[LayerSpec], Any]
# (call, its inputs) -> what the layer is called with.
Before = Callable[[Call, list[Any]], list[Any]]
# (call, its outputs) -> what other calls and the model's outputs take instead of them.
After = Callable[[Call, list[Any]], list[Any]]


def build(
    flat: Flat,
    *,
    make: Make | None = None,
    before: Before | None = None,
    after: After | None = None,
) -> Any:
    """Return a functional model of the calls, with the weights of their specs.

    `set_weights` goes to the wrapped layer where `make` gives a wrapper.

    Args:
        make: gives the layer of a spec; default: `make_layer`. Called once for each spec.
        before: sees each call's symbolic inputs and returns those to call the layer with.
        after: sees each call's symbolic outputs and returns those to go on with.
    """
    import keras

    layers: dict[int, Any] = {}
    tensors: dict[int, Any] = {}
    filled: set[int] = set()
    fresh = []
    for value, port in zip(flat.inputs, flat.ports, strict=True):
        fresh.append(keras.Input(batch_shape=port.shape, dtype=port.dtype, name=port.name))
        entry = Call(LayerSpec(port.name, keras.layers.InputLayer, {}, ()), (), (value,))
        (tensors[value],) = after(entry, [fresh[-1]]) if after else [fresh[-1]]
    for call in flat.calls:
        if id(call.spec) not in layers:
            layers[id(call.spec)] = (make or make_layer)(call.spec)
        layer = layers[id(call.spec)]
        given = [tensors[value] for value in call.inputs]
        args, kwargs = _arguments(call, before(call, given) if before else given)
        outputs = keras.tree.flatten(layer(*args, **kwargs))
        if call.spec.weights and id(call.spec) not in filled:
            getattr(layer, "layer", layer).set_weights(call.spec.weights)
            filled.add(id(call.spec))
        outputs = after(call, outputs) if after else outputs
        tensors.update(zip(call.outputs, outputs, strict=True))
    outputs = [tensors[value] for value in flat.outputs]
    several = outputs if len(outputs) > 1 else outputs[0]
    return keras.Model(fresh if len(fresh) > 1 else fresh[0], several, name=flat.name)


def make_layer(spec: LayerSpec) -> Any:
    """Return a new layer of a spec, not built yet; an operation is returned as it is."""
    if spec.operation is not None:
        return spec.operation
    return spec.kind.from_config(dict(spec.config))  # type: ignore[attr-defined]


def _arguments(call: Call, tensors: list[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if call.spec.operation is None and _takes_list(call):
        return (tensors,), {}
    if call.node is None:
        return tuple(tensors), {}
    given = {id(t): n for t, n in zip(call.node.input_tensors, tensors, strict=True)}
    args, kwargs = call.node.arguments.fill_in(given)
    return args, kwargs


def _takes_list(call: Call) -> bool:
    return call.spec.is_a("Merge")


def chain_calls(flat: Flat, call: Call, specs: Sequence[LayerSpec]) -> list[Call]:
    """Return the calls of specs in a row, from the call's inputs to its outputs."""
    value, calls = call.inputs, []
    for place, spec in enumerate(specs):
        last = place == len(specs) - 1
        target = call.outputs if last else (flat.unused_value() + place,)
        calls.append(Call(spec, value, target))
        value = target
    return calls


def replace_call(flat: Flat, old: Call, new: Sequence[Call]) -> Flat:
    """Return the model with one call replaced by others."""
    calls = [c for call in flat.calls for c in (new if call is old else (call,))]
    return dataclasses.replace(flat, calls=tuple(calls))
