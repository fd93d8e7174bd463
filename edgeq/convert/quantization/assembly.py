"""The last step: a draft becomes the graph of its integers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from edgeq.convert.quantization.draft import Draft, QuantizedWeights
from edgeq.convert.quantization.notes import settle_notes
from edgeq.convert.quantization.parameters import as_uint8, quantize_values
from edgeq.convert.quantization.rules import (
    QuantizationRule,
    activation_inputs,
    bias_input,
    data_input,
    filter_input,
    rule_of,
)
from edgeq.convert.quantization.scheme import WEIGHT_BITS, LayerScheme
from edgeq.convert.quantization.sharing import INTEGERS, Sharing, share
from edgeq.convert.quantization.weights import fit_bias, quantize_bias, quantize_weights
from edgeq.core.errors import ToolchainError
from edgeq.graph.ir import Graph, Node, OptionValue, Quantization, Tensor, frozen
from edgeq.graph.ops import OPS

# There is no QUANTIZE between these in both runtimes: int8 stands between them.
_BY_INT8 = {("uint8", "int16"), ("int16", "uint8"), ("float32", "uint8")}


def quantize_graph(draft: Draft, *, asymmetric_inputs: bool = True) -> Graph:
    """Return the graph that the draft's scheme asks for.

    Static layers compute in integers by the draft's ranges; QUANTIZE and DEQUANTIZE stand where
    the types of neighbours or of the model's inputs and outputs differ. Dynamic layers keep float
    activations before integer weights; weight-only ones get a DEQUANTIZE behind each.

    Args:
        draft: its graph is of float32; every activation of a static layer has a range.
        asymmetric_inputs: whether dynamic dense layers quantise their inputs with a zero point.

    Raises:
        ToolchainError: a layer that has no kernel for the types asked for (naming it and the
            types), or a tensor without a range.
    """
    draft = settle_notes(draft)
    schemes = {node.index: _scheme_of(draft, node) for node in draft.graph.nodes}
    for node in draft.graph.nodes:
        _check_node(draft, node, schemes[node.index])
    dtypes = {i: s.activations if s.mode == "static" else "float32" for i, s in schemes.items()}
    return _Assembly(draft, schemes, dtypes, asymmetric_inputs).run()


def layer_name(draft: Draft, node: Node) -> str:
    """Return the name of the layer that a node computes, else that of its first output."""
    return draft.layers.get(node.index) or draft.graph.tensor(node.outputs[0]).name


def _scheme_of(draft: Draft, node: Node) -> LayerScheme:
    return draft.scheme.of(layer_name(draft, node) if node.outputs else "")


def _floats(graph: Graph, node: Node) -> bool:
    indices = (*node.inputs, *node.outputs)
    return any(i >= 0 and graph.tensor(i).dtype == "float32" for i in indices)


def _check_node(draft: Draft, node: Node, scheme: LayerScheme) -> None:
    if scheme.mode == "float" or not _floats(draft.graph, node):
        return
    rule, wanted = rule_of(node), scheme.weights
    if scheme.mode == "static":
        if rule is None or scheme.activations not in rule.activations:
            _refuse(draft, node, f"{scheme.activations} activations")
        if rule.weights and wanted not in rule.weights:
            _refuse(draft, node, f"{wanted} weights")
        if wanted == "int4" and scheme.activations == "int16" and rule.weights:
            _refuse(draft, node, "int4 weights beside int16 activations")
    place = filter_input(node)
    if place is not None and draft.graph.tensor(node.inputs[place]).data is None:
        _refuse(draft, node, f"{wanted} weights that it computes itself")


def _refuse(draft: Draft, node: Node, what: str) -> NoReturn:
    raise ToolchainError(
        f"{draft.graph.name}: layer {layer_name(draft, node)} ({node.op}) cannot have {what}",
        hint="give this layer another scheme (--per-layer 'LAYER=float32'), or replace it",
    )


class _Assembly:
    """The graph in the making: tensors and nodes so far, and where each float tensor stands."""

    def __init__(
        self,
        draft: Draft,
        schemes: Mapping[int, LayerScheme],
        dtypes: Mapping[int, str],
        asymmetric_inputs: bool,
    ) -> None:
        self.draft, self.graph = draft, draft.graph
        self.schemes, self.dtypes = schemes, dtypes
        self.asymmetric_inputs = asymmetric_inputs
        self.sharing: Sharing = share(draft, dtypes)
        self.tensors: list[Tensor] = []
        self.nodes: list[Node] = []
        # (float tensor, dtype, parameters) -> tensor; the first of a tensor is where it is made.
        self.values: dict[tuple[int, str, Quantization | None], int] = {}
        self.homes: dict[int, tuple[str, Quantization | None]] = {}
        self.constants: dict[tuple[Any, ...], int] = {}

    def run(self) -> Graph:
        """Return the finished graph."""
        scheme = self.draft.scheme
        inputs = tuple(self.make(index, scheme.input_dtype) for index in self.graph.inputs)
        for node in self.graph.nodes:
            self.add_node(node)
        outputs = tuple(self.port(index, scheme.output_dtype) for index in self.graph.outputs)
        return Graph(
            name=self.graph.name,
            tensors=tuple(self.tensors),
            nodes=tuple(self.nodes),
            inputs=inputs,
            outputs=outputs,
            description=self.graph.description,
        )

    # --- tensors ---------------------------------------------------------------------------------

    def add(self, tensor: Tensor, **changes: Any) -> int:
        """Add a tensor like `tensor`; return its index."""
        index = len(self.tensors)
        self.tensors.append(replace(tensor, index=index, **changes))
        return index

    def parameters(self, index: int, dtype: str) -> Quantization | None:
        """Return the quantisation of a float tensor in `dtype`."""
        if dtype == "uint8":
            return as_uint8(self.sharing.parameters((index, "int8")))
        return self.sharing.parameters((index, dtype)) if dtype in INTEGERS else None

    def make(self, index: int, dtype: str) -> int:
        """Add what an operator or the outside makes: a float tensor in `dtype`, others as is."""
        tensor = self.graph.tensor(index)
        if tensor.dtype != "float32":
            self.values[(index, "", None)] = made = self.add(tensor)
            return made
        parameters = self.parameters(index, dtype)
        made = self.add(tensor, dtype=dtype, quantization=parameters)
        self.homes[index] = dtype, parameters
        self.values[(index, dtype, parameters)] = made
        return made

    def port(self, index: int, dtype: str) -> int:
        """Return the tensor that gives the outside a float tensor in `dtype`."""
        if self.graph.tensor(index).dtype != "float32" or self.graph.tensor(index).is_constant:
            return self.plain(index)
        return self.value(index, dtype, self.parameters(index, dtype))

    def plain(self, index: int) -> int:
        """Return the tensor of one that is not quantised: a constant, or of integers."""
        key = index, "", None
        if key not in self.values:
            self.values[key] = self.add(self.graph.tensor(index))
        return self.values[key]

    def value(self, index: int, dtype: str, parameters: Quantization | None) -> int:
        """Return a float tensor's values in `dtype` with `parameters`, converted where needed."""
        key = index, dtype, parameters
        if key in self.values:
            return self.values[key]
        tensor = self.graph.tensor(index)
        if tensor.data is not None:
            self.values[key] = self.constant(tensor, dtype, parameters)
            return self.values[key]
        home, known = self.homes[index]
        source = self.values[(index, home, known)]
        if (home, dtype) in _BY_INT8:
            source = self.value(index, "int8", self.parameters(index, "int8"))
        name = f"{tensor.name}_{dtype}"
        made = self.add(tensor, name=name, dtype=dtype, quantization=parameters)
        self.emit("DEQUANTIZE" if dtype == "float32" else "QUANTIZE", (source,), (made,))
        self.values[key] = made
        return made

    def constant(self, tensor: Tensor, dtype: str, parameters: Quantization | None) -> int:
        """Add a constant that is read as an activation."""
        assert tensor.data is not None
        if parameters is None:
            return self.add(tensor)
        data = frozen(quantize_values(tensor.data, parameters, dtype))
        return self.add(tensor, dtype=dtype, quantization=parameters, data=data)

    def integers(
        self, tensor: Tensor, dtype: str, data: NDArray[Any], scales: tuple[float, ...], axis: int
    ) -> int:
        """Add the integers of a weight or a bias, once for each scale."""
        key = tensor.index, dtype, scales
        if key not in self.constants:
            quantization = Quantization(scales, (0,) * len(scales), axis if len(scales) > 1 else 0)
            self.constants[key] = self.add(
                tensor, dtype=dtype, data=frozen(data), quantization=quantization
            )
        return self.constants[key]

    # --- nodes -----------------------------------------------------------------------------------

    def emit(
        self,
        op: str,
        inputs: tuple[int, ...],
        outputs: tuple[int, ...],
        options: Mapping[str, OptionValue] | None = None,
        version: int | None = None,
    ) -> None:
        """Add a node."""
        number = version or OPS[op].version
        self.nodes.append(Node(len(self.nodes), op, number, inputs, outputs, dict(options or {})))

    def add_node(self, node: Node) -> None:
        """Add a node of the float graph in the types of its layer."""
        scheme, dtype = self.schemes[node.index], self.dtypes[node.index]
        rule = rule_of(node)
        options: dict[str, OptionValue] = dict(node.options)
        version = node.version
        if dtype in INTEGERS and rule is not None and _floats(self.graph, node):
            inputs = self.static_inputs(node, scheme, rule, dtype)
            options |= rule.options.get(dtype, {})
            version = OPS[node.op].version
        else:
            inputs = self.float_inputs(node, scheme, rule)
            if scheme.mode == "dynamic" and node.op == "FULLY_CONNECTED":
                options["asymmetric_quantize_inputs"] = self.asymmetric_inputs
                version = max(version, OPS[node.op].version)
        outputs = tuple(self.make(index, dtype) for index in node.outputs)
        self.emit(node.op, inputs, outputs, options, version)

    def static_inputs(
        self, node: Node, scheme: LayerScheme, rule: QuantizationRule, dtype: str
    ) -> tuple[int, ...]:
        """Return the inputs of a node that computes in integers."""
        inputs = [self.plain(i) if i >= 0 and not self.is_float(i) else -1 for i in node.inputs]
        for at in activation_inputs(self.graph, node):
            index = node.inputs[at]
            shared = node.outputs[0] if rule.shares and self.is_float(node.outputs[0]) else index
            inputs[at] = self.value(index, dtype, self.parameters(shared, dtype))
        place = filter_input(node)
        if place is not None:
            inputs[place], bias = self.weigh(node, scheme, rule, dtype)
            if bias is not None:
                inputs[bias[0]] = bias[1]
        return tuple(inputs)

    def is_float(self, index: int) -> bool:
        """Whether a tensor of the float graph is one of float32."""
        return self.graph.tensor(index).dtype == "float32"

    def weigh(
        self, node: Node, scheme: LayerScheme, rule: QuantizationRule, dtype: str
    ) -> tuple[int, tuple[int, int] | None]:
        """Add filter and bias; return the filter, and the bias with its place."""
        place, where = filter_input(node), bias_input(node)
        assert place is not None
        tensor = self.graph.tensor(node.inputs[place])
        wide = "int64" if dtype == "int16" else "int32"
        data = self.parameters(node.inputs[data_input(node)], dtype)
        assert tensor.data is not None
        assert data is not None
        weights = self.weights(node, tensor, scheme, rule)
        bias = None
        if where is not None:
            source = self.graph.tensor(node.inputs[where])
            real = self.draft.biases.get(source.index, source.data)
            assert real is not None
            weights = fit_bias(weights, tensor.data, real, data.scale, wide)
            values, scales = quantize_bias(real, weights, data.scale, wide)
            bias = where, self.integers(source, wide, values, scales, 0)
        scales = tuple(float(s) for s in weights.scales)
        return self.integers(tensor, scheme.weights, weights.values, scales, weights.axis), bias

    def weights(
        self, node: Node, tensor: Tensor, scheme: LayerScheme, rule: QuantizationRule
    ) -> QuantizedWeights:
        """Return the integers of a filter: those that an earlier step fixed, or new ones."""
        single = not scheme.per_channel or scheme.weights in rule.single_scale
        given = self.draft.weights.get(tensor.index)
        assert tensor.data is not None
        bits = WEIGHT_BITS[scheme.weights]
        if given is None:
            return quantize_weights(tensor.data, bits, rule.axis, per_channel=not single)
        limit = 1 << (bits - 1)
        peak = int(np.max(np.abs(given.values.astype(np.int64)), initial=0))
        if peak > limit or (single and len(given.scales) > 1):
            _refuse(self.draft, node, f"the weights fixed for it as {scheme.weights}")
        return given

    def float_inputs(
        self, node: Node, scheme: LayerScheme, rule: QuantizationRule | None
    ) -> tuple[int, ...]:
        """Return the inputs of a node that computes in float32."""
        place, halves = filter_input(node), scheme.weights == "float16"
        narrow = rule is not None and place is not None and scheme.weights != "float32"
        kept = {place, bias_input(node) if halves else place} if narrow else set()
        inputs = [
            -1 if index < 0 or at in kept else self.float_input(index)
            for at, index in enumerate(node.inputs)
        ]
        for at in kept - {None}:
            assert at is not None
            assert rule is not None
            tensor = self.graph.tensor(node.inputs[at])
            inputs[at] = self.half(tensor) if halves else self.narrow(node, tensor, scheme, rule)
        return tuple(inputs)

    def narrow(
        self, node: Node, tensor: Tensor, scheme: LayerScheme, rule: QuantizationRule
    ) -> int:
        """Return the filter of a float operator as integers, or what turns them back."""
        weights = self.weights(node, tensor, scheme, rule)
        scales = tuple(float(s) for s in weights.scales)
        made = self.integers(tensor, scheme.weights, weights.values, scales, weights.axis)
        hybrid = scheme.mode == "dynamic" and rule.hybrid
        return made if hybrid else self.restored(tensor, made)

    def float_input(self, index: int) -> int:
        """Return a tensor as a float operator reads it."""
        tensor = self.graph.tensor(index)
        if tensor.dtype != "float32" or tensor.is_constant:
            return self.plain(index)
        return self.value(index, "float32", None)

    def half(self, tensor: Tensor) -> int:
        """Return a constant kept in float16 and turned back by a DEQUANTIZE."""
        key = tensor.index, "float16", ()
        if key not in self.constants:
            assert tensor.data is not None
            data = frozen(_finite_halves(tensor.data))
            self.constants[key] = self.add(tensor, dtype="float16", data=data)
        return self.restored(tensor, self.constants[key])

    def restored(self, tensor: Tensor, source: int) -> int:
        """Return the float32 of a constant of narrower type."""
        key = tensor.index, "restored", source
        if key not in self.constants:
            name = f"{tensor.name}_float32"
            made = self.add(tensor, name=name, dtype="float32", data=None, quantization=None)
            self.emit("DEQUANTIZE", (source,), (made,))
            self.constants[key] = made
        return self.constants[key]


def _finite_halves(data: NDArray[Any]) -> NDArray[np.float16]:
    most = np.finfo(np.float16).max
    return np.asarray(np.clip(data, -most, most), np.float16)
