"""Float graphs become integer graphs: near their source, of the types asked for, one road each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from edgeq.convert.checks import check_scheme
from edgeq.convert.metrics import sqnr_db
from edgeq.convert.quantization.assembly import quantize_graph
from edgeq.convert.quantization.draft import LayerNotes, Range
from edgeq.convert.quantization.scheme import SCHEMES, LayerScheme, Scheme, Scope, parse_scheme
from edgeq.core.errors import ToolchainError
from edgeq.graph.ir import Graph
from edgeq.graph.oracle import Oracle
from edgeq.graph.reader import read_graph
from edgeq.graph.writer import write_graph
from tests.support.float_models import (
    FLOAT_STEPS,
    as_float,
    drafted,
    float_graphs,
    noise,
    outputs_of,
    real_values,
)
from tests.support.models import ModelBuilder, activation, constant
from tests.support.proofs import hard_inputs
from tests.support.properties import efforts
from tests.support.type_models import INT8, small_network

NARROW = tuple(name for name in SCHEMES if name not in ("int8-per-tensor", "float32"))
# Their kernels in int16 are those of one runtime alone.
INT16_STEPS = tuple(s for s in FLOAT_STEPS if s not in ("resize", "row", "relu_n1_to_1"))


def quantised(graph: Graph, scheme: LayerScheme | Scheme) -> Graph:
    """Return the checked integer graph that a file of it would hold."""
    draft = drafted(graph, scheme, noise(graph))
    made = read_graph(write_graph(quantize_graph(draft)), "made")
    check_scheme(made, draft.scheme, {})
    return made


@efforts(40, 1000)
def test_every_operator_is_within_a_step_of_its_output(effort: settings) -> None:
    """A graph of one operator, its inputs and constants on their grids: rounding alone is left."""

    @effort
    @given(float_graphs(tuple(s for s in FLOAT_STEPS if s not in ("mean", "scalar"))))
    def hold(graph: Graph) -> None:
        single = replace(graph, nodes=graph.nodes[:1], outputs=graph.nodes[0].outputs)
        made = quantised(single, LayerScheme())
        exact = {t.name: real_values(t) for t in made.tensors if t.is_constant and t.quantization}
        tensors = (replace(t, data=exact[t.name]) if t.name in exact else t for t in single.tensors)
        single = replace(single, tensors=tuple(tensors))
        port = made.tensor(made.inputs[0])
        assert port.quantization is not None
        scale = port.quantization.scale
        inputs = tuple(
            np.rint(x / scale).astype(np.float32) * np.float32(scale) for x in noise(single)
        )
        for index, real, value in zip(
            made.outputs, outputs_of(single, inputs), outputs_of(made, inputs), strict=True
        ):
            q = made.tensor(index).quantization
            assert q is not None
            low, high = ((limit - q.zero_point) * q.scale for limit in (-128, 127))
            error = np.abs(np.clip(real, low, high) - value)
            assert error.max() <= 1.51 * q.scale

    hold()


@efforts(25, 1000)
def test_random_graphs_have_the_types_asked_for(effort: settings) -> None:
    @effort
    @given(float_graphs())
    def hold(graph: Graph) -> None:
        for scheme in (SCHEMES["int8"], SCHEMES["int4"], SCHEMES["dynamic"], SCHEMES["float16"]):
            made = quantised(graph, scheme)
            assert all(np.isfinite(values).all() for values in outputs_of(made, noise(graph)))

    hold()


@efforts(25, 500)
def test_random_graphs_of_int16_run_and_share(effort: settings) -> None:
    @effort
    @given(float_graphs(INT16_STEPS))
    def hold(graph: Graph) -> None:
        made = quantised(graph, SCHEMES["int16x8"])
        outputs_of(made, noise(graph))
        for tensor in made.tensors:
            if tensor.dtype == "int16" and tensor.quantization:
                assert tensor.quantization.zero_point == 0

    hold()


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("int8", 20),
        ("int8-per-tensor", 20),
        ("int16x8", 30),
        ("int4", 5),
        ("dynamic", 25),
        ("weight-only", 40),
        ("float16", 60),
        ("float32", 150),
    ],
)
def test_a_network_of_every_scheme_is_near_its_source(name: str, least: float) -> None:
    graph = logits_of(small_network(INT8))
    made = quantised(graph, SCHEMES[name])
    x = noise(graph, seed=1)
    assert sqnr_db(outputs_of(graph, x)[0], outputs_of(made, x)[0]) > least


def logits_of(graph: Graph) -> Graph:
    """Return a float graph without the softmax at its end, which hides errors or magnifies them."""
    return replace(as_float(graph), nodes=graph.nodes[:-1], outputs=graph.nodes[-1].inputs)


def test_integer_graphs_are_what_the_oracle_computes() -> None:
    """The oracle, equal to TensorFlow Lite Micro, checks each node's requirements."""
    graph = as_float(small_network(INT8))
    for name in ("int8", "int8-per-tensor", "int16x8", "int4"):
        made = quantised(graph, SCHEMES[name])
        for inputs in hard_inputs(made, seed=0, count=1):
            Oracle(made).run(inputs)


@pytest.mark.parametrize("port", ["int8", "uint8", "float32"])
def test_ports_have_the_types_asked_for(port: str) -> None:
    graph = logits_of(small_network(INT8))
    made = quantised(graph, parse_scheme("int8", (), port, port))
    assert {made.tensor(i).dtype for i in (*made.inputs, *made.outputs)} == {port}
    x = noise(graph)
    assert sqnr_db(outputs_of(graph, x)[0], outputs_of(made, x)[0]) > 15


def _names(graph: Graph) -> list[str]:
    return [graph.tensor(node.outputs[0]).name for node in graph.nodes]


@pytest.mark.parametrize("other", NARROW)
def test_a_layer_may_have_a_scheme_of_its_own(other: str) -> None:
    graph = logits_of(small_network(INT8))
    second = _names(graph)[1]
    scheme = Scheme(SCHEMES["int8"], (Scope(second, SCHEMES[other]),))
    made = quantised(graph, scheme)
    node = next(n for n in made.nodes if made.tensor(n.outputs[0]).name == second)
    assert made.tensor(node.outputs[0]).dtype == SCHEMES[other].activations
    x = noise(graph)
    assert sqnr_db(outputs_of(graph, x)[0], outputs_of(made, x)[0]) > 10


def _branches(wide: float) -> Graph:
    """Return two convolutions, one `wide` times the other, concatenated; one is read again."""
    rng, model = np.random.default_rng(0), ModelBuilder()
    window = {"padding": "SAME", "stride_h": 1, "stride_w": 1, "dilation_h_factor": 1,
              "dilation_w_factor": 1, "fused_activation_function": "NONE"}  # fmt: skip
    shape = (1, 4, 4, 2)
    x = model.input(activation(shape, "float32"))
    made, base = [], rng.normal(0, 1, (2, 1, 1, 2))
    for strength in (1.0, wide):
        weights = constant(strength * base, "float32")
        bias = constant(np.zeros(2), "float32")
        made.append(model.op("CONV_2D", [x, weights, bias], activation(shape, "float32"), window))
    both = activation((1, 4, 4, 4), "float32")
    joined = model.op("CONCATENATION", made, both, {"axis": 3})
    again = model.op("RELU", [made[0]], activation(shape, "float32"))
    return model.build([joined, again])


def test_a_concatenation_shares_its_parameters() -> None:
    made = quantised(_branches(1.0), LayerScheme())
    node = next(n for n in made.nodes if n.op == "CONCATENATION")
    kinds = {made.tensor(i).quantization for i in (*node.inputs, *node.outputs)}
    assert len(kinds) == 1
    assert "QUANTIZE" not in {n.op for n in made.nodes}


def test_a_narrow_branch_that_is_read_elsewhere_keeps_its_own_scale() -> None:
    made = quantised(_branches(50.0), LayerScheme())
    node = next(n for n in made.nodes if n.op == "CONCATENATION")
    assert len({made.tensor(i).quantization for i in (*node.inputs, *node.outputs)}) == 1
    source = next(n for n in made.nodes if n.op == "QUANTIZE" and n.outputs[0] in node.inputs)
    fine, coarse = (made.tensor(i).quantization for i in (source.inputs[0], node.outputs[0]))
    assert fine is not None
    assert coarse is not None
    assert coarse.scale > 5 * fine.scale


def _pooled(function: str) -> Graph:
    model, shape = ModelBuilder(), (1, 4, 4, 2)
    window = {"padding": "VALID", "stride_h": 2, "stride_w": 2, "filter_height": 2,
              "filter_width": 2, "fused_activation_function": "NONE"}  # fmt: skip
    x = model.input(activation(shape, "float32"))
    total = model.op("ADD", [x, x], activation(shape, "float32"))
    small = activation((1, 2, 2, 2), "float32")
    pool = model.op("MAX_POOL_2D", [total], small, window)
    return model.build(model.op(function, [pool], activation((1, 2, 2, 2), "float32")))


def test_what_no_reader_can_tell_apart_takes_no_integers() -> None:
    made = quantised(_pooled("RELU"), LayerScheme())
    total, pooled = (made.tensor(n.outputs[0]).quantization for n in made.nodes[:2])
    assert total == pooled
    assert pooled is not None
    assert pooled.zero_point == -128
    made = quantised(_pooled("LOGISTIC"), LayerScheme())
    before = made.tensor(made.nodes[-1].inputs[0]).quantization
    assert before is not None
    assert before.scale <= 12.6 / 255 * 1.001


def test_learned_ranges_and_codebooks_are_kept_to() -> None:
    graph = as_float(small_network(INT8))
    draft = drafted(graph, LayerScheme(), noise(graph))
    notes = {"first": LayerNotes(output=Range(0.0, 3.0), codebook=(-127, 0, 127))}
    made = quantize_graph(replace(draft, layers={0: "first"}, notes=notes))
    conv = made.nodes[0]
    values = made.tensor(conv.inputs[1]).data
    assert values is not None
    assert np.isin(values, (-127, 0, 127)).all()
    q = made.tensor(conv.outputs[0]).quantization
    assert q is not None
    assert (q.zero_point, round(q.scale * 255, 4)) == (-128, 3.0)


def test_an_operator_without_integers_is_refused_by_its_layer() -> None:
    model = ModelBuilder()
    x = model.input(activation((1, 4), "float32"))
    y = model.op("EXP", [x], activation((1, 4), "float32", name="growth"))
    graph = model.build(model.op("RELU", [y], activation((1, 4), "float32")))
    draft = drafted(graph, LayerScheme(), noise(graph))
    with pytest.raises(ToolchainError, match=r"growth \(EXP\) cannot have int8 activations"):
        quantize_graph(draft)
    scheme = replace(draft.scheme, scopes=(Scope("growth", SCHEMES["float32"]),))
    made = quantize_graph(replace(draft, scheme=scheme))
    check_scheme(made, scheme, {})
    with pytest.raises(ToolchainError, match=r"layer growth has .* of float32, not int8"):
        check_scheme(made, draft.scheme, {})
    assert [n.op for n in made.nodes] == ["DEQUANTIZE", "EXP", "QUANTIZE", "RELU"]


def test_types_that_no_kernel_has_together_are_refused() -> None:
    graph = as_float(small_network(INT8))
    draft = drafted(graph, LayerScheme(activations="int16", weights="int4"), noise(graph))
    with pytest.raises(ToolchainError, match="int4 weights beside int16 activations"):
        quantize_graph(draft)


def test_a_tensor_without_a_range_is_named() -> None:
    graph = as_float(small_network(INT8))
    draft = drafted(graph, LayerScheme(), noise(graph))
    ranges = {i: span for i, span in draft.ranges.items() if i != graph.nodes[0].outputs[0]}
    with pytest.raises(ToolchainError, match=f"tensor {_names(graph)[0]} has no range"):
        quantize_graph(replace(draft, ranges=ranges))
