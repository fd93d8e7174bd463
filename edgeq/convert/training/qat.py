"""Child side: quantisation-aware training (Jacob et al. 2018, section 3)."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.convert.patterns import unmatched
from edgeq.convert.quantization.draft import LayerNotes, Range
from edgeq.convert.quantization.parameters import union
from edgeq.convert.quantization.rules import RULES
from edgeq.convert.quantization.scheme import WEIGHT_BITS, LayerScheme, Scheme
from edgeq.convert.recipes.steps import TrainQuantized
from edgeq.convert.samples import Inputs
from edgeq.convert.training.flattening import Call, Flat, LayerSpec, build, make_layer
from edgeq.convert.training.folding import fold_model
from edgeq.convert.training.imitation import Imitation, plan_imitation
from edgeq.convert.training.loop import train
from edgeq.convert.training.losses import run
from edgeq.convert.training.session import Session, Trained
from edgeq.core.errors import InputError

if TYPE_CHECKING:
    from edgeq.convert.training.fake_quantization import ActivationQuantizer, WeightQuantizer

CALIBRATED = 512  # training samples that choose the first ranges
BATCH = 64


def train_quantized(trained: Trained, session: Session, params: TrainQuantized) -> Trained:
    """Train with the integers of `session.scheme` imitated; return the folded float model.

    Its weights are on the integers' grid, and the notes hold the learned ranges: `quantize_graph`
    gives the integers that training saw. Codebooks and zeros of earlier steps hold.

    Raises:
        InputError: the model has no graph, no layer is in scope or one has no imitation, a weight
            is not finite, or the training itself fails (`loop.train`).
    """
    flat = fold_model(trained.model)
    names = [call.spec.name for call in flat.calls]
    if not any(re.fullmatch(params.layers, name) for name in names):
        raise unmatched(session.step, "layer", params.layers, names)
    imitated = imitate(flat, session.scheme, params, trained.notes)
    imitated.calibrate(session.data.x)
    train(imitated.trainee, session, params.schedule, name="qat")
    return imitated.export(trained.notes)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Imitated:
    """A model with its integers imitated, and the layers that do so.

    Attributes:
        plan: what is rounded where.
        model: the Keras model with fake quantisation.
        trainee: the same layers, whose outputs are not rounded where their scale is fixed: the
            logarithm of a probability that is rounded to nought is no loss to learn from.
        ranges: value that stands for its class -> the class's quantiser.
        weights: layer name -> the wrapper of the layer.
    """

    plan: Imitation
    model: Any
    trainee: Any
    ranges: Mapping[int, ActivationQuantizer]
    weights: Mapping[str, WeightQuantizer]

    def calibrate(self, x: Inputs) -> None:
        """Choose the first scales and ranges, these by the extremes over samples."""
        places = members(self.plan)
        for value, (low, high) in extremes(self.plan, x).items():
            root, member = places[value]
            self.ranges[root].start(member, low, high)
        spans = self._spans()
        for name, wrapper in self.weights.items():
            span = spans.get(name)
            wrapper.start(span.high - span.low if span is not None else 1.0)

    def export(self, notes: Mapping[str, LayerNotes]) -> Trained:
        """Return the float model with the weights on their grid, and the notes about it."""
        specs = {id(call.spec): call.spec for call in self.plan.flat.calls}
        layers = {layer.name: layer for layer in self.model.layers}
        fresh = {key: self._spec(spec, layers) for key, spec in specs.items()}
        calls = tuple(
            dataclasses.replace(call, spec=fresh[id(call.spec)]) for call in self.plan.flat.calls
        )
        model = build(dataclasses.replace(self.plan.flat, calls=calls))
        return Trained(model, self._notes(notes))

    def _spec(self, spec: LayerSpec, layers: Mapping[str, Any]) -> LayerSpec:
        if not spec.weights:
            return spec
        layer, wrapper = layers[spec.name], self.weights.get(spec.name)
        layer = getattr(layer, "layer", layer) if wrapper is not None else layer
        values = [np.array(v) for v in layer.get_weights()]
        if wrapper is not None:
            for variable, value in wrapper.imitated():
                place = [v is variable for v in layer.weights].index(True)
                values[place] = np.array(value)
        return dataclasses.replace(spec, weights=tuple(values))

    def _notes(self, given: Mapping[str, LayerNotes]) -> dict[str, LayerNotes]:
        notes = dict(given)
        for name, span in self._spans().items():
            notes[name] = dataclasses.replace(notes.get(name, LayerNotes()), output=span)
        for name, span in self._entries().items():
            notes[name] = dataclasses.replace(notes.get(name, LayerNotes()), input=span)
        for name, wrapper in self.weights.items():
            known = notes.get(name, LayerNotes())
            notes[name] = dataclasses.replace(
                known, bits=wrapper.bits or known.bits, per_channel=wrapper.per_channel
            )
        return notes

    def _spans(self) -> dict[str, Range]:
        """Return the range of every layer's output, behind its fused activation."""
        plan, flat, spans = self.plan, self.plan.flat, {}
        names = {call.outputs[0]: call.spec.name for call in flat.calls}
        for value, name in names.items():
            shown = plan.hidden[value].outputs[0] if value in plan.hidden else value
            quantizer = self.ranges.get(plan.root(shown))
            if quantizer is not None and shown not in plan.fixed and shown in plan.dtypes:
                spans[name] = quantizer.range(plan.dtypes[shown])
        return spans

    def _entries(self) -> dict[str, Range]:
        """Return for each layer that reads inputs of the model their range; of several, of all."""
        flat, places = self.plan.flat, members(self.plan)
        found: dict[str, Range] = {}
        for call in flat.calls:
            for value in set(call.inputs) & set(flat.inputs) & places.keys():
                span = self.ranges[places[value][0]].range(self.plan.dtypes[value])
                found[call.spec.name] = union((span, found.get(call.spec.name, span)))
        return found


def members(plan: Imitation) -> dict[int, tuple[int, int]]:
    """Return for each value with a range of its own: its class, and its place in it."""
    counts: dict[int, int] = {}
    places = {}
    for value in plan.rounded:
        if value not in plan.fixed:
            root = plan.root(value)
            places[value] = root, counts.setdefault(root, 0)
            counts[root] += 1
    return places


def extremes(plan: Imitation, x: Inputs) -> dict[int, tuple[float, float]]:
    """Return lowest and highest of the rounded values over the first samples, unrounded."""
    values = list(members(plan))
    if not values:
        return {}
    probe = build(dataclasses.replace(plan.flat, outputs=tuple(values)))
    found = []
    for start in range(0, min(CALIBRATED, len(x[0])), BATCH):
        outputs = [o.numpy() for o in run(probe, [part[start : start + BATCH] for part in x])]
        found.append([(float(o.min()), float(o.max())) for o in outputs])
    spans = np.asarray(found)
    if not np.isfinite(spans).all():
        raise InputError(
            "the model's activations are not finite on the training samples",
            hint="check the model's weights and the dataset's range",
        )
    lows, highs = spans[:, :, 0].min(axis=0), spans[:, :, 1].max(axis=0)
    return {v: (float(a), float(b)) for v, a, b in zip(values, lows, highs, strict=True)}


def imitate(
    flat: Flat, scheme: Scheme, params: TrainQuantized, notes: Mapping[str, LayerNotes]
) -> Imitated:
    """Return a folded flat model with fake quantisation put in by the scheme."""
    _check_weights(flat)
    assembly = _Assembly(plan_imitation(flat, scheme, params.layers), params, notes)
    model = build(flat, make=assembly.make, before=assembly.before, after=assembly.after)
    trainee = assembly.trainee(model)
    return Imitated(assembly.plan, model, trainee, assembly.ranges, assembly.wrappers)


def _check_weights(flat: Flat) -> None:
    for call in flat.calls:
        if any(w.dtype.kind == "f" and not np.isfinite(w).all() for w in call.spec.weights):
            raise InputError(
                f"layer {call.spec.name} holds NaN or infinity in its weights",
                hint="train it again",
            )


class _Assembly:
    """Makes the layers of the imitating model while it is built."""

    def __init__(
        self, plan: Imitation, params: TrainQuantized, notes: Mapping[str, LayerNotes]
    ) -> None:
        from edgeq.convert.training.fake_quantization import ActivationQuantizer

        self.plan, self.notes = plan, notes
        self.learned = params.ranges == "learned"
        self.places = members(plan)
        self.wrappers: dict[str, WeightQuantizer] = {}
        self.unrounded: dict[int, Any] = {}
        self.schemes = {id(c.spec): plan.schemes.get(id(c)) for c in plan.flat.calls}
        self.operators = {id(c.spec): plan.operators.get(id(c), "") for c in plan.flat.calls}
        classes: dict[int, list[int]] = {}
        for value, (root, _) in self.places.items():
            classes.setdefault(root, []).append(value)
        self.ranges = {
            root: ActivationQuantizer(
                len(values),
                learned=self.learned,
                cap=max(plan.caps.get(v, float("inf")) for v in values),
                name=f"range_{root}",
            )
            for root, values in classes.items()
        }

    def make(self, spec: LayerSpec) -> Any:
        """Return a layer, wrapped where its weights become integers."""
        from edgeq.convert.training.fake_quantization import WeightQuantizer

        layer, types = make_layer(spec), self.schemes[id(spec)]
        rule = RULES.get(self.operators[id(spec)])
        if types is None or rule is None or not rule.weights or types.weights not in WEIGHT_BITS:
            return layer
        note = self.notes.get(spec.name, LayerNotes())
        per_channel = types.per_channel and types.weights not in rule.single_scale
        self.wrappers[spec.name] = WeightQuantizer(
            layer,
            bits=WEIGHT_BITS[types.weights] if note.codebook is None else None,
            per_channel=per_channel and note.per_channel,
            learned=self.learned,
            keeps_zeros=note.frozen_zeros,
        )
        return self.wrappers[spec.name]

    def before(self, call: Call, tensors: list[Any]) -> list[Any]:
        """Bring inputs of another type, or of another scale than a shared one, to the call's."""
        types = self.plan.schemes.get(id(call))
        if types is None or types.mode != "static" or not call.outputs:
            return tensors
        return [
            self._converted(call, value, tensor, types)
            for value, tensor in zip(call.inputs, tensors, strict=True)
        ]

    def _converted(self, call: Call, value: int, tensor: Any, types: LayerScheme) -> Any:
        plan, home = self.plan, self.plan.dtypes.get(value)
        if home is None or value in plan.hidden:
            return tensor
        rule, out = RULES.get(plan.operators[id(call)]), call.outputs[0]
        root = plan.root(out) if rule is not None and rule.shares else plan.root(value)
        same = home == types.activations and root == plan.root(value)
        if same or root not in self.ranges or (value in plan.fixed and out in plan.fixed):
            return tensor
        return self.ranges[root](tensor, member=0, dtype=types.activations, training=False)

    def after(self, call: Call, outputs: list[Any]) -> list[Any]:
        """Round what a call makes, where it is rounded."""
        from edgeq.convert.training.fake_quantization import FixedQuantizer

        if not call.outputs or call.outputs[0] not in self.plan.rounded:
            return outputs
        value, dtype = call.outputs[0], self.plan.dtypes[call.outputs[0]]
        pools = self.plan.operators.get(id(call)) == "AVERAGE_POOL_2D"
        taps = int(np.prod(call.spec.config["pool_size"])) if pools else 0
        if value in self.plan.fixed:
            known = RULES[self.plan.fixed[value]].fixed[dtype]
            name = f"fixed_{value}"
            self.unrounded[value] = outputs[0]
            fixed = FixedQuantizer(known.scale, known.zero_point, dtype, taps=taps, name=name)
            return [fixed(outputs[0])]
        root, member = self.places[value]
        return [self.ranges[root](outputs[0], member=member, dtype=dtype, taps=taps)]

    def trainee(self, model: Any) -> Any:
        """Return the model of the same layers that ends before fixed scales."""
        import keras

        known = zip(self.plan.flat.outputs, model.outputs, strict=True)
        outputs = [self.unrounded.get(value, output) for value, output in known]
        inputs = model.inputs if len(model.inputs) > 1 else model.inputs[0]
        return keras.Model(inputs, outputs if len(outputs) > 1 else outputs[0], name=model.name)
