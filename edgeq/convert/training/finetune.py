"""Child side: training on, changing nothing but the weights."""

from __future__ import annotations

from edgeq.convert.recipes.steps import FineTune
from edgeq.convert.training.holding import held
from edgeq.convert.training.kernels import copy_model
from edgeq.convert.training.loop import train
from edgeq.convert.training.session import Session, Trained


def fine_tune(trained: Trained, session: Session, params: FineTune) -> Trained:
    """Return the model trained on by `params.schedule`; what earlier steps decided holds.

    Raises:
        InputError: the training fails (`loop.train`).
    """
    model = copy_model(trained.model)
    with held(model, trained.notes):
        train(model, session, params.schedule, name="fine-tune")
    return Trained(model, trained.notes)
