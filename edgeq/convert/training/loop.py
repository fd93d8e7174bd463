"""Child side: the one training loop. Seeded, resumable, within a time budget."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from edgeq.convert.metrics import Array
from edgeq.convert.recipes.steps import Schedule
from edgeq.convert.samples import Inputs
from edgeq.convert.training.augmentation import augment_batch
from edgeq.convert.training.checkpoint import (
    State,
    load_state,
    read_variables,
    save_state,
    training_key,
    write_variables,
)
from edgeq.convert.training.losses import Loss, choose_loss, run
from edgeq.convert.training.norms import SAMPLES, settle_norms
from edgeq.convert.training.session import Session
from edgeq.core.errors import InputError

WARM_UP = 0.05  # share of the steps over which the rate rises
FLOOR = 0.01  # share of the rate that is left at the end
PROBED_STEPS = 20  # behind these, the time budget plans the rest
REPORT_S = 0.5
EVALUATED = 256


def train(
    model: Any,
    session: Session,
    schedule: Schedule,
    *,
    loss: Loss | None = None,
    callbacks: Sequence[Any] = (),
    name: str,
    settled: float = 0.0,
) -> None:
    """Train `model` in place and leave it with the weights of its best watched epoch.

    Batch norms have the statistics of those very weights (`norms.settle_norms`), not averages of
    the way there: every epoch is watched with them, and the model is left with them.

    Adam; the rate falls by a cosine (Loshchilov and Hutter 2017) behind a linear warm-up. After
    every epoch the whole state is written to `session.checkpoints / name`: the same call, made
    again after an interruption, goes on from there and ends with the same weights. Where
    `schedule.minutes` are fewer than the epochs take, the cosine ends with them. In a rehearsal
    model and samples are checked, and nothing is trained.

    Args:
        loss: (inputs, y, outputs) -> scalar; default: the session's objective, its loss, else
            the one that suits the data (`choose_loss`).
        callbacks: Keras callbacks; `on_train_batch_end` may change weights (masks), `params`
            has "epochs" and "steps".
        name: of the step, for the folder and the progress.
        settled: share of the epochs that must be over before an epoch counts as best (a pruning
            schedule is under way until then); at 0 the untouched model counts as well.

    Raises:
        InputError: no samples, the loss is not finite, or labels do not fit the model.
    """
    import keras

    data = session.data
    check_samples(model, data.x, "training")
    check_samples(model, data.watched_x, "watched", required=False)
    if loss is None and session.objective is not None:
        model, loss = session.objective(model)
    loss = loss or session.loss or choose_loss(model, session)
    if session.rehearses:
        settle_norms(model, data.x)
        return
    prepare(session.seed, name)
    course = _Run(model, session, schedule, name, settled, loss)
    course.start()
    hooks = keras.callbacks.CallbackList(
        list(callbacks), model=model, epochs=schedule.epochs, steps=course.per_epoch
    )
    hooks.on_train_begin()
    while not course.done():
        course.advance(hooks)
    hooks.on_train_end()
    write_variables(model.variables, course.state.best_weights or course.state.model)


def prepare(seed: int, name: str) -> None:
    """Seed Python, NumPy and TensorFlow for the step `name`; ask for repeatable kernels."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(int(_generator(seed, name, 0).integers(2**31)))
    tf.config.experimental.enable_op_determinism()


def check_samples(model: Any, x: Inputs, which: str, *, required: bool = True) -> None:
    """Raise InputError for samples that are none, not finite, or not of the model's inputs."""
    if len(x) != len(model.inputs):
        raise InputError(
            f"{which} samples have {len(x)} inputs, the model takes {len(model.inputs)}",
            hint="choose the dataset that the model was made for",
        )
    if required and len(x[0]) == 0:
        raise InputError(f"there are no {which} samples", hint="look at it: edgeq data show")
    for part, port in zip(x, model.inputs, strict=True):
        wanted = tuple(port.shape[1:])
        fits = part.ndim - 1 == len(wanted) and all(
            n in (None, m) for n, m in zip(wanted, part.shape[1:], strict=True)
        )
        if not fits or (part.dtype.kind == "f" and not np.isfinite(part).all()):
            raise InputError(
                f"{which} samples of shape {part.shape[1:]} are not finite, or not of the shape "
                f"{wanted} of the input '{port.name}'",
                hint="choose the dataset that the model was made for",
            )


def rate_at(step: int, steps: int, peak: float) -> float:
    """Return the learning rate of `step` of `steps`: linear warm-up, then a cosine to 1 %."""
    warm = max(1, round(WARM_UP * steps))
    if step < warm:
        return peak * (step + 1) / warm
    share = (step - warm) / max(1, steps - warm)
    return peak * (FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * min(1.0, share))))


def _generator(seed: int, name: str, epoch: int) -> np.random.Generator:
    return np.random.default_rng([seed, epoch, *name.encode()])


@dataclass(slots=True, eq=False)
class _Clock:
    """Seconds spent by this training, over all its interruptions."""

    before: float
    began: float
    first: tuple[int, float] = (0, 0.0)  # step behind the compilation, and when it was done

    def seconds(self) -> float:
        return self.before + time.monotonic() - self.began

    def each(self, done: int) -> float:
        """Return the seconds of a step, the compiling first one aside."""
        if self.first[0] == 0:
            self.first = done, self.seconds()
        step, then = self.first
        return (self.seconds() - then) / (done - step) if done > step else 0.0


class _Run:
    """One training under way: the compiled step, the state, and the plan of its steps."""

    def __init__(
        self,
        model: Any,
        session: Session,
        schedule: Schedule,
        name: str,
        settled: float,
        loss: Loss,
    ) -> None:
        import keras

        self.model, self.session, self.schedule = model, session, schedule
        self.name, self.settled, self.loss = name, settled, loss
        self.folder = session.checkpoints / name
        samples = len(session.data.x[0])
        self.batch = min(schedule.batch, samples)
        self.per_epoch = samples // self.batch
        shown = _generator(session.seed, name, 0).permutation(samples)[:SAMPLES]
        self.shown = tuple(part[shown] for part in session.data.x)
        self.optimizer = keras.optimizers.Adam(schedule.learning_rate)
        self.optimizer.build(model.trainable_variables)
        self.clock = _Clock(0.0, time.monotonic())
        self.reported = 0.0

    def start(self) -> None:
        """Take up the checkpoint of the same training, or begin."""
        initial, data = read_variables(self.model.variables), self.session.data
        words = (repr(msgspec.to_builtins(self.schedule)), self.name, str(self.session.seed))
        arrays = (*initial, *data.x, data.y, *data.watched_x, data.watched_y)
        self.key = training_key((*words, repr(self.settled)), arrays)
        self._compile()
        steps = self.schedule.epochs * self.per_epoch
        self.state = load_state(self.folder, self.key) or State(
            0, steps, 0.0, math.inf, [], initial, read_variables(self.optimizer.variables)
        )
        write_variables(self.model.variables, self.state.model)
        write_variables(self.optimizer.variables, self.state.optimizer)
        self.clock = _Clock(self.state.seconds, time.monotonic())
        if self.state.epoch == 0 and self.settled == 0:
            self._watch(initial)

    def done(self) -> bool:
        return self.state.epoch * self.per_epoch >= self.state.steps

    def advance(self, hooks: Any) -> None:
        """Train one epoch, watch it, and write the state."""
        epoch = self.state.epoch
        rng = _generator(self.session.seed, self.name, epoch + 1)
        hooks.on_epoch_begin(epoch)
        order = rng.permutation(len(self.session.data.x[0]))
        losses = []
        for place in range(self.per_epoch):
            step = epoch * self.per_epoch + place
            if step >= self.state.steps:
                break
            hooks.on_train_batch_begin(place)
            chosen = order[place * self.batch : (place + 1) * self.batch]
            losses.append(self._step(step, *self._take(chosen, rng)))
            hooks.on_train_batch_end(place, {"loss": losses[-1]})
            self._plan(step + 1)
        settle_norms(self.model, self.shown)
        self.state.epoch = epoch + 1
        watched = self._finish()
        hooks.on_epoch_end(epoch, {"loss": float(np.mean(losses)), "val_loss": watched})
        save_state(self.folder, self.key, self.state)

    def _take(self, chosen: Array, rng: np.random.Generator) -> tuple[Inputs, Array | None]:
        data = self.session.data
        x = augment_batch(self.schedule.augment, tuple(part[chosen] for part in data.x), rng)
        return x, None if data.y is None else data.y[chosen]

    def _step(self, step: int, x: Inputs, y: Array | None) -> float:
        self.optimizer.learning_rate.assign(
            rate_at(step, self.state.steps, self.schedule.learning_rate)
        )
        loss = float(self._improve(x, _labels(y, x)))
        if not math.isfinite(loss):
            raise InputError(
                f"{self.name}: the loss is {loss} at epoch {step // self.per_epoch + 1}, "
                f"step {step % self.per_epoch + 1}",
                hint="lower the step's learning_rate, and check the data's range",
            )
        return loss

    def _plan(self, done: int) -> None:
        """Shorten the plan to what the time budget allows, and report."""
        seconds, steps, each = self.clock.seconds(), self.state.steps, self.clock.each(done)
        if self.schedule.minutes is not None:
            left = 60.0 * self.schedule.minutes - seconds
            if left <= 0:
                self.state.steps = done
            elif done >= PROBED_STEPS and each * (steps - done) > 1.05 * left:
                self.state.steps = min(steps, done + max(1, int(left / each)))
        if time.monotonic() - self.reported > REPORT_S or done >= self.state.steps:
            self.reported = time.monotonic()
            self._report(done, each * (self.state.steps - done))

    def _report(self, done: int, seconds: float) -> None:
        epoch, step = divmod(done - 1, self.per_epoch)
        epochs = -(-self.state.steps // self.per_epoch)
        text = (
            f"{self.name}: epoch {epoch + 1}/{epochs}, step {step + 1}/{self.per_epoch}, "
            f"{duration(seconds)} left"
        )
        self.session.progress(text, done / self.state.steps)

    def _finish(self) -> float:
        """Take the epoch's weights into the state, and among the best if they are; watch them."""
        self.state.model = read_variables(self.model.variables)
        self.state.optimizer = read_variables(self.optimizer.variables)
        over = self.state.epoch * self.per_epoch >= self.settled * self.state.steps
        watched = self._watch(self.state.model) if over else math.inf
        self.state.seconds = self.clock.seconds()
        return watched

    def _watch(self, weights: list[Array]) -> float:
        """Return the watched loss; keep `weights`, the model's, if it is the lowest so far."""
        watched = self._watched_loss()
        if watched < self.state.best or (not self.session.data.watched_x[0].size):
            self.state.best, self.state.best_weights = watched, weights
        return watched

    def _watched_loss(self) -> float:
        data, total = self.session.data, 0.0
        count = len(data.watched_x[0])
        for start in range(0, count, EVALUATED):
            part = slice(start, start + EVALUATED)
            x = tuple(samples[part] for samples in data.watched_x)
            y = None if data.watched_y is None else data.watched_y[part]
            total += float(self._judge(x, _labels(y, x))) * len(x[0])
        return total / count if count else math.inf

    def _compile(self) -> None:
        import tensorflow as tf

        model, optimizer, judge = self.model, self.optimizer, self.loss
        data, labelled = self.session.data, self.session.data.y is not None

        def improve(x: Any, y: Any) -> Any:
            with tf.GradientTape() as tape:
                outputs = run(model, x, training=True)
                loss = judge(x, y if labelled else None, outputs)
                loss = loss + sum(model.losses) if model.losses else loss
            variables = model.trainable_variables
            optimizer.apply(tape.gradient(loss, variables), variables)
            return loss

        def watch(x: Any, y: Any) -> Any:
            return judge(x, y if labelled else None, run(model, x))

        ports = _signature((*data.x, _labels(data.y, data.x)))
        self._improve = tf.function(improve, input_signature=ports, autograph=False)
        self._judge = tf.function(watch, input_signature=ports, autograph=False)


def _labels(y: Array | None, x: Inputs) -> Array:
    """Return labels for a compiled step, which must have some: noughts where there are none."""
    return np.zeros(len(x[0]), np.int8) if y is None else y


def _signature(arrays: Inputs) -> tuple[Any, Any]:
    import tensorflow as tf

    *x, y = (tf.TensorSpec((None, *part.shape[1:]), part.dtype) for part in arrays)
    return tuple(x), y


def duration(seconds: float) -> str:
    """Return seconds as a person says them: 40 s, 3 min 20 s, 1 h 5 min."""
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, 60)
    if minutes == 0:
        return f"{rest} s"
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
