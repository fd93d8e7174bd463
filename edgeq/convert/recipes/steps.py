"""The steps of a recipe and their parameters, decoded strictly: an unknown key is an error.

Training steps turn a Keras model into a Keras model; graph steps turn a draft into a draft.
`layers` is always a regular expression on Keras layer names, matched whole.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from edgeq.core.records.base import Record

ALL = ".*"
Positive = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Minutes = Annotated[float, msgspec.Meta(gt=0, le=1440)]
Text = Annotated[str, msgspec.Meta(max_length=1000)]
Share = Annotated[float, msgspec.Meta(ge=0, lt=1)]
Rate = Annotated[float, msgspec.Meta(gt=0, le=1)]
SchemeName = Literal[
    "int8", "int8-per-tensor", "int16x8", "int4", "dynamic", "weight-only", "float16", "float32"
]
PortType = Literal["int8", "uint8", "int16", "float32"]


class Schedule(Record, frozen=True, kw_only=True):
    """How a training step trains. `learning_rate` falls by a cosine behind a short warm-up.

    `batch` is in samples. `minutes` end the schedule early; how far it came depends on the machine.
    `augment` changes samples and leaves their labels true: shifts by up to an eighth, flips.
    """

    epochs: Positive = 10
    batch: Positive = 64
    learning_rate: Rate = 1e-3
    minutes: Minutes | None = None
    augment: Literal["none", "shift", "flip-shift", "time-shift"] = "none"


# --- training steps ------------------------------------------------------------------------------


class FineTune(Record, frozen=True, kw_only=True, tag_field="kind", tag="fine-tune"):
    """Train on, changing nothing else."""

    schedule: Schedule = Schedule()


class Distil(Record, frozen=True, kw_only=True, tag_field="kind", tag="distil"):
    """Learn from a teacher: Hinton et al. 2015, `temperature` and share `soft` of its logits.

    `features` pairs student layers with teacher layers, "student=teacher"; their relative squared
    error counts `feature_weight`. `teacher` names a model file; without it, the float model
    teaches. It colours every later training step.
    """

    teacher: Text = ""
    temperature: Annotated[float, msgspec.Meta(gt=0, le=1000)] = 4.0
    soft: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.7
    features: Annotated[tuple[Text, ...], msgspec.Meta(max_length=32)] = ()
    feature_weight: Annotated[float, msgspec.Meta(gt=0, le=1000)] = 1.0
    schedule: Schedule = Schedule()


class Prune(Record, frozen=True, kw_only=True, tag_field="kind", tag="prune"):
    """Set the smallest weights to zero along a cubic schedule (Zhu and Gupta 2017).

    The share of zeros rises to `sparsity` over the first `gradual` of the epochs. `among`: the
    smallest of each layer, or of the whole model in units of each layer's root mean square.
    """

    layers: str = ALL
    sparsity: Share = 0.5
    among: Literal["layer", "model"] = "layer"
    gradual: Share = 0.6
    schedule: Schedule = Schedule()


class PruneChannels(Record, frozen=True, kw_only=True, tag_field="kind", tag="prune-channels"):
    """Remove whole channels, the least important first, until `macs` (a share) remain.

    In `rounds` with training in between. `importance`: Taylor expansion of the loss (Molchanov et
    al. 2019), norm of the weights, or factor of the batch norm (Liu et al. 2017). Layers of at
    least `2 * multiple` channels are left with a multiple of it: kernels take four at once.
    """

    layers: str = ALL
    macs: Rate = 0.5
    importance: Literal["taylor", "norm", "gamma"] = "taylor"
    rounds: Annotated[int, msgspec.Meta(ge=1, le=20)] = 3
    multiple: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
    schedule: Schedule = Schedule()


class Cluster(Record, frozen=True, kw_only=True, tag_field="kind", tag="cluster"):
    """Give every layer's normalised weights a codebook of `values` int8 values by k-means.

    The codebook, symmetric about zero, follows the weights over the first `gradual` of the epochs.
    """

    layers: str = ALL
    values: Annotated[int, msgspec.Meta(ge=2, le=255)] = 16
    gradual: Share = 0.4
    schedule: Schedule = Schedule()


class Ternary(Record, frozen=True, kw_only=True, tag_field="kind", tag="ternary"):
    """Weights of -a, 0, a by channel, trained straight through (Li et al. 2016).

    Magnitudes above `threshold` times their mean are a. Over the first `gradual` of the epochs the
    ternary weights are mixed in; 0 begins with them.
    """

    layers: str = ALL
    threshold: Annotated[float, msgspec.Meta(gt=0, le=2)] = 0.7
    gradual: Share = 0.3
    schedule: Schedule = Schedule()


class Binary(Record, frozen=True, kw_only=True, tag_field="kind", tag="binary"):
    """Weights of -a, a by channel, trained straight through (Rastegari et al. 2016).

    Over the first `gradual` of the epochs the binary weights are mixed in; 0 begins with them.
    """

    layers: str = ALL
    gradual: Share = 0.3
    schedule: Schedule = Schedule()


class LowRank(Record, frozen=True, kw_only=True, tag_field="kind", tag="low-rank"):
    """Factor Dense by SVD and Conv2D by Tucker-2 or CP until `weights` (a share) remain.

    `convolutions` names what factors them; `none` leaves them whole.
    """

    layers: str = ALL
    weights: Rate = 0.5
    convolutions: Literal["tucker", "cp", "none"] = "tucker"
    schedule: Schedule = Schedule()


class TrainQuantized(Record, frozen=True, kw_only=True, tag_field="kind", tag="qat"):
    """Quantisation-aware training: fold batch norms, then imitate the integers of the scheme.

    The scheme is the recipe's `quantize` step. `ranges`: learned (LSQ, Esser et al. 2020) or
    moving averages. The rate is a share of each channel's largest weight.
    """

    layers: str = ALL
    ranges: Literal["learned", "moving"] = "learned"
    schedule: Schedule = Schedule(learning_rate=2e-4)


TrainingStep = (
    FineTune
    | Distil
    | Prune
    | PruneChannels
    | Cluster
    | Ternary
    | Binary
    | LowRank
    | TrainQuantized
)


# --- graph steps ---------------------------------------------------------------------------------
# `keep`: whether what a step does stays though the output's SQNR on the held samples falls by it.

Keep = Literal["always", "if-better"]
CalibrationMethod = Literal["min-max", "moving-average", "percentile", "mse", "entropy", "best"]


class Calibrate(Record, frozen=True, kw_only=True, tag_field="kind", tag="calibrate"):
    """Choose the ranges of activations. A later step with a narrower `layers` overrules.

    `best` tries the calibrators layer by layer and keeps what leaves the least output error.
    """

    layers: str = ALL
    method: CalibrationMethod = "min-max"
    percentile: Annotated[float, msgspec.Meta(gt=50, le=100)] = 99.99
    momentum: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.95
    samples: Positive = 500
    keep: Keep = "always"


class Equalize(Record, frozen=True, kw_only=True, tag_field="kind", tag="equalize"):
    """Cross-layer equalisation of channel ranges (Nagel et al. 2019, section 4.1).

    Layers whose ranges or codes training decided (`qat`, codebooks) stay as they are.
    """

    layers: str = ALL
    keep: Keep = "always"


class CorrectBiases(Record, frozen=True, kw_only=True, tag_field="kind", tag="correct-biases"):
    """Take the mean error of each channel out of the bias (Nagel et al. 2019, section 4.2).

    `empirical` measures it layer by layer, on what the quantised network gives each layer;
    `analytic` in one pass, from the float network's mean inputs.
    """

    layers: str = ALL
    method: Literal["empirical", "analytic"] = "empirical"
    keep: Keep = "always"


class LearnRounding(Record, frozen=True, kw_only=True, tag_field="kind", tag="learn-rounding"):
    """Choose up or down for each weight by the layer's output error (Nagel et al. 2020).

    `iterations` of the optimiser for each layer, on the layer's inputs from `samples`.
    """

    layers: str = ALL
    iterations: Positive = 1000
    samples: Positive = 256
    keep: Keep = "always"


class ClipWeights(Record, frozen=True, kw_only=True, tag_field="kind", tag="clip-weights"):
    """Clip weights at the least squared error (OCTAV: Sakr et al. 2022)."""

    layers: str = ALL
    keep: Keep = "always"


class CompensateRounding(
    Record, frozen=True, kw_only=True, tag_field="kind", tag="compensate-rounding"
):
    """Round a weight at a time and let the others make up for it (GPTQ: Frantar et al. 2022).

    It looks at the layer's inputs from `samples`.
    """

    layers: str = ALL
    samples: Positive = 512
    keep: Keep = "always"


class TypeScope(Record, frozen=True, kw_only=True):
    """Other types for some layers. The first scope whose `layers` match a layer gives its types."""

    layers: str
    scheme: SchemeName


class Quantize(Record, frozen=True, kw_only=True, tag_field="kind", tag="quantize"):
    """The last step: the types of the result.

    `scopes` give some layers another scheme; inputs and outputs without a type have the scheme's.
    """

    scheme: SchemeName = "int8"
    scopes: Annotated[tuple[TypeScope, ...], msgspec.Meta(max_length=1000)] = ()
    input_dtype: PortType | None = None
    output_dtype: PortType | None = None


GraphStep = (
    Calibrate
    | Equalize
    | CorrectBiases
    | LearnRounding
    | ClipWeights
    | CompensateRounding
    | Quantize
)
Step = TrainingStep | GraphStep
