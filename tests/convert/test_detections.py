"""Detections are read from outputs of every layout, and refused where they are none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.convert.box_precision import overlaps_of
from edgeq.convert.detections import Layout, judged_outputs, postprocess_order
from edgeq.convert.metrics import Array
from edgeq.core.errors import InputError
from edgeq.data.manifest import Detection
from edgeq.graph.reader import read_graph
from tests.support.detectors import postprocess_bytes


def layout(classes: int = 2, **fields: object) -> Layout:
    return Layout(form=Detection(**fields), classes=classes)  # type: ignore[arg-type]


def lists(count: int) -> tuple[Array, Array, Array, Array]:
    """Return one image's boxes, classes, scores and count, of which the first `count` are real."""
    boxes = np.array([[[0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8], [9.0, 9.0, 9.0, 9.0]]])
    return boxes, np.array([[1.0, 0.0, 7.0]]), np.array([[0.4, 0.9, 0.1]]), np.array([[count]])


def test_lists_are_sorted_by_score_and_end_at_the_count() -> None:
    found = judged_outputs(lists(2), layout())
    assert found[0, :2].tolist() == [[0.5, 0.6, 0.7, 0.8, 0, 0.9], [0.1, 0.2, 0.3, 0.4, 1, 0.4]]
    assert (found[0, 2] == -1).all()
    assert (judged_outputs(lists(0), layout()) == -1).all()


def test_lists_come_in_any_order_that_is_known() -> None:
    boxes, classes, scores, count = lists(2)
    found = judged_outputs((scores, boxes, count, classes), layout(), (1, 3, 0, 2))
    np.testing.assert_array_equal(found, judged_outputs(lists(2), layout()))


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (2, 0, 3, 1)])
def test_the_detection_operator_tells_the_order(order: tuple[int, ...]) -> None:
    found = postprocess_order(read_graph(postprocess_bytes(order), "detector"))
    assert found is not None
    assert [order[place] for place in found] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        (lists(2)[:3], "four outputs, the model has 3"),
        ((lists(2)[1], lists(2)[0], *lists(2)[2:]), "the outputs have the shapes"),
        ((lists(2)[0], lists(2)[2], lists(2)[1], lists(2)[3]), "no whole numbers"),
    ],
)
def test_outputs_that_are_no_lists_are_refused(outputs: tuple[Array, ...], words: str) -> None:
    with pytest.raises(InputError, match=words):
        judged_outputs(outputs, layout())


CANDIDATE = np.array([[[0.2, 0.1, 0.6, 0.3, 0.9, 0.0], [0.4, 0.5, 0.8, 0.9, 0.0, 0.7]]])


@pytest.mark.parametrize(
    ("box", "size", "columns"),
    [
        ("yxyx", (1.0, 1.0), [0, 1, 2, 3]),
        ("xyxy", (1.0, 1.0), [1, 0, 3, 2]),
        ("yxyx", (96.0, 128.0), [0, 1, 2, 3]),
    ],
)
@pytest.mark.parametrize("transposed", [False, True])
def test_every_layout_of_candidates_gives_the_same_detections(
    box: str, size: tuple[float, float], columns: list[int], transposed: bool
) -> None:
    rows = CANDIDATE.copy()
    rows[..., :4] *= np.array([*size, *size])
    rows[..., :4] = rows[..., columns]
    rows = rows.swapaxes(1, 2) if transposed else rows
    form = layout(form="candidates", box=box, size=size, transposed=transposed)
    found = judged_outputs((rows,), form)
    np.testing.assert_allclose(found[0, 0], [0.2, 0.1, 0.6, 0.3, 0, 0.9])
    np.testing.assert_allclose(found[0, 1], [0.4, 0.5, 0.8, 0.9, 1, 0.7])
    assert (found[0, 2:] == -1).all()


def test_centres_and_sizes_become_corners() -> None:
    row = np.array([[[0.2, 0.4, 0.2, 0.4, 0.9, 0.0]]])  # x, y, width, height
    found = judged_outputs((row,), layout(form="candidates", box="cxcywh"))
    np.testing.assert_allclose(found[0, 0], [0.2, 0.1, 0.6, 0.3, 0, 0.9])


@given(st.integers(0, 1 << 32), st.sampled_from((0.0, 0.3, 0.6, 1.0)))
def test_suppression_keeps_what_no_better_one_of_its_class_overlaps(
    seed: int, overlap: float
) -> None:
    random = np.random.default_rng(seed)
    corner = random.random((12, 2)) * 0.4
    rows = np.concatenate([corner, corner + 0.3, random.random((12, 2))], axis=1)
    form = layout(form="candidates", overlap=overlap, least=0.2, most=1000)
    found = judged_outputs((rows[None],), form)[0]
    expected = set()
    for label in (0, 1):
        kept: list[Array] = []
        for row in sorted(rows, key=lambda r: -r[4 + label]):
            free = all(overlaps_of(row[None], other[None])[0, 0] <= overlap for other in kept)
            if row[4 + label] > 0.2 and free:
                kept.append(row)
        expected |= {(*row[:4], float(label), row[4 + label]) for row in kept}
    assert {tuple(row) for row in found if row[4] >= 0} == expected


def test_only_the_best_detections_of_an_image_are_kept() -> None:
    places = np.linspace(0, 0.9, 9)[:, None]
    rows = np.concatenate([places, places, places + 0.05, places + 0.05, places + 0.1], axis=1)
    found = judged_outputs((rows[None],), layout(1, form="candidates", most=3))
    np.testing.assert_allclose(found[0, :, 5], [1.0, 0.8875, 0.775])


def test_candidates_of_other_classes_are_refused() -> None:
    with pytest.raises(InputError, match="candidates of 3 classes are rows of 7 values"):
        judged_outputs((CANDIDATE,), layout(3, form="candidates"))


def test_what_is_no_detector_is_judged_by_its_first_output() -> None:
    outputs = np.ones((2, 3)), np.zeros((2, 1))
    assert judged_outputs(outputs, None) is outputs[0]
