"""Samples held out: they judge, and neither train nor calibrate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeq.core.errors import InputError
from edgeq.data.dataset import Dataset, hash_sample, load_dataset
from edgeq.data.holdout import hold_out
from edgeq.data.readers import Table


def made_of(**parts: range) -> Dataset:
    base = load_dataset("synthetic:1x4")
    tables = {name: table(numbers) for name, numbers in parts.items()}
    return replace(base, parts=tables)


def table(numbers: range) -> Table:
    return Table(
        tuple(map(str, numbers)),
        tuple((np.full(4, n, np.float32),) for n in numbers),
        np.array(numbers),
    )


def content(dataset: Dataset, split: str) -> set[str]:
    return set(map(hash_sample, dataset.parts[split].items))


def test_samples_that_calibrated_judge_where_others_train() -> None:
    held = hold_out(
        made_of(representative=range(30), train=range(100, 200), evaluation=range(300, 400))
    )
    assert held.parts["evaluation"].ids == tuple(map(str, range(30)))
    assert held.parts["representative"].ids == held.parts["train"].ids


def test_without_a_training_split_half_of_the_samples_judges() -> None:
    dataset = made_of(representative=range(100), evaluation=range(300, 400))
    held = hold_out(dataset)
    judges, rest = content(held, "evaluation"), content(held, "representative")
    assert len(judges) == 50
    assert judges | rest == content(dataset, "representative")
    assert not judges & rest


def test_what_is_held_does_not_train_either() -> None:
    held = hold_out(made_of(representative=range(80), train=range(40, 200), evaluation=range(9)))
    assert not content(held, "evaluation") & content(held, "train")


def test_the_same_samples_are_held_each_time() -> None:
    dataset = made_of(representative=range(100), evaluation=range(300, 400))
    assert hold_out(dataset).parts["evaluation"].ids == hold_out(dataset).parts["evaluation"].ids


def test_too_few_samples_are_refused() -> None:
    with pytest.raises(InputError, match="too small to hold some out"):
        hold_out(made_of(representative=range(30), evaluation=range(300, 400)))
