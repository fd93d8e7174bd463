"""Which function each kind of step is. Heavy modules are imported when a recipe names them."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple


class Place(NamedTuple):
    """A function of a module of edgeq.convert."""

    module: str
    function: str

    def load(self) -> Callable[..., Any]:
        """Import it."""
        found: Callable[..., Any] = getattr(import_module(f"edgeq.convert.{self.module}"), self[1])
        return found


# kind -> step(trained, session, params) -> Trained
TRAINING_STEPS: dict[str, Place] = {
    "fine-tune": Place("training.finetune", "fine_tune"),
    "distil": Place("training.distillation", "distil"),
    "prune": Place("training.pruning", "prune"),
    "prune-channels": Place("training.channels", "prune_channels"),
    "cluster": Place("training.clustering", "cluster"),
    "ternary": Place("training.extreme", "train_ternary"),
    "binary": Place("training.extreme", "train_binary"),
    "low-rank": Place("training.low_rank", "factorize"),
    "qat": Place("training.qat", "train_quantized"),
}

# kind -> step(session, trained, params) -> Session, behind the training step of that kind: what
# it changes for all later ones.
SESSION_STEPS: dict[str, Place] = {"distil": Place("training.distillation", "teach")}

# kind -> step(draft, observe, params) -> Draft; `quantize`, the last, is the road's own.
GRAPH_STEPS: dict[str, Place] = {
    "calibrate": Place("quantization.calibrators", "calibrate"),
    "equalize": Place("quantization.equalization", "equalize"),
    "correct-biases": Place("quantization.bias_correction", "correct_biases"),
    "learn-rounding": Place("quantization.rounding", "learn_rounding"),
    "clip-weights": Place("quantization.clipping", "clip_weights"),
    "compensate-rounding": Place("quantization.compensation", "compensate_rounding"),
}
