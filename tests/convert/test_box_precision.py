"""COCO's average precision against its definition, written out box by box."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.convert import box_precision as boxes_
from edgeq.convert.box_precision import OVERLAPS, match_boxes, mean_precision
from edgeq.convert.metrics import Array


def share(a: Array, b: Array, crowd: bool) -> float:
    """Return the overlap of a found box with a true one, relative to the union or to itself."""
    height = min(a[2], b[2]) - max(a[0], b[0])
    width = min(a[3], b[3]) - max(a[1], b[1])
    if height <= 0 or width <= 0:
        return 0.0
    area, other = (float((v[2] - v[0]) * (v[3] - v[1])) for v in (a, b))
    shared = float(height * width)
    return shared / (area if crowd else area + other - shared)


def judge_image(found: list[Array], truth: list[Array], least: float) -> list[tuple[float, int]]:
    """Return (score, 1 hit, 0 miss, -1 neither) of each detection of one class in one image."""
    judged, free = [], set(range(len(truth)))
    for row in sorted(found, key=lambda r: -r[5])[:100]:
        shares = [share(row, t, bool(t[5])) for t in truth]
        real = [i for i in free if not truth[i][5] and shares[i] >= min(least, 1 - 1e-10)]
        if real:
            free.remove(max(real, key=lambda i: (shares[i], i)))
            judged.append((row[5], 1))
        else:
            crowd = any(truth[i][5] and shares[i] >= min(least, 1 - 1e-10) for i in free)
            judged.append((row[5], -1 if crowd else 0))
    return judged


def defined(found: Array, truth: Array, overlaps: Array = OVERLAPS) -> float:
    """Return the mean average precision as the definition says it."""
    values = []
    for label in sorted({int(t[4]) for image in truth for t in image if t[4] >= 0 and not t[5]}):
        total = sum(1 for image in truth for t in image if t[4] == label and not t[5])
        for least in overlaps:
            judged = []
            for rows, image in zip(found, truth, strict=True):
                mine = [r for r in rows if r[4] == label]
                judged += judge_image(mine, [t for t in image if t[4] == label], least)
            counted = [hit for _, hit in sorted(judged, key=lambda j: -j[0]) if hit >= 0]
            points = [
                (sum(counted[: n + 1]) / total, sum(counted[: n + 1]) / (n + 1))
                for n in range(len(counted))
            ]
            reached = [
                max([p for r, p in points if r >= recall], default=0.0)
                for recall in np.linspace(0, 1, 101)
            ]
            values.append(np.mean(reached))
    return float(np.mean(values))


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Array, Array]:
    """Draw (detections, boxes) of some images: boxes on a grid, detections beside them or not."""
    random = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    images, steps = draw(st.integers(1, 5)), draw(st.sampled_from((5, 1000)))  # few steps: ties
    truth, found = np.full((images, 4, 6), -1.0), np.full((images, 9, 6), -1.0)
    for image in range(images):
        for place in range(random.integers(0, 5)):
            corner, size = random.integers(0, 40, 2), random.integers(1, 24, 2)
            crowd = float(random.random() < 0.25)
            truth[image, place] = [*corner, *(corner + size), random.integers(0, 3), crowd]
        for place in range(random.integers(0, 10)):
            near = truth[image, random.integers(0, 4)]
            box = near[:4] + random.integers(-2, 3, 4) * (random.random() < 0.7)
            if near[4] < 0 or random.random() < 0.2 or (box[2:] <= box[:2]).any():
                corner = random.integers(0, 40, 2)
                box = np.concatenate([corner, corner + random.integers(1, 24, 2)])
            label = near[4] if near[4] >= 0 and random.random() < 0.9 else random.integers(0, 3)
            found[image, place] = [*box, label, random.integers(0, steps) / steps]
    if not ((truth[..., 4] >= 0) & (truth[..., 5] == 0)).any():
        truth[0, 0] = [0, 0, 8, 8, 0, 0]
    return found, truth


@given(scenes())
def test_precision_is_that_of_the_definition(scene: tuple[Array, Array]) -> None:
    found, truth = scene
    images = np.arange(len(truth))
    for overlaps in (OVERLAPS, OVERLAPS[:1]):
        value = mean_precision(match_boxes(found, truth, overlaps), images)
        assert value == pytest.approx(defined(found, truth, overlaps), abs=1e-12)


@given(scenes(), st.data())
def test_drawn_images_count_as_if_they_were_there_again(
    scene: tuple[Array, Array], data: st.DataObject
) -> None:
    found, truth = scene
    places = st.integers(0, len(truth) - 1)
    drawn = np.array(data.draw(st.lists(places, min_size=1, max_size=9)))
    value = mean_precision(match_boxes(found, truth), drawn)
    copied = mean_precision(match_boxes(found[drawn], truth[drawn]), np.arange(len(drawn)))
    assert value == pytest.approx(copied, abs=1e-12, nan_ok=True)


BOX = [0.0, 0.0, 0.5, 0.5]
NONE = [-1.0] * 6


def precision(found: list[list[float]], truth: list[list[float]]) -> float:
    matches = match_boxes(np.array([found]), np.array([truth]))
    return mean_precision(matches, np.arange(1))


def test_a_second_detection_of_one_box_is_wrong() -> None:
    twice = [[*BOX, 0, 0.9], [*BOX, 0, 0.8]]
    assert precision(twice, [[*BOX, 0, 0]]) == 1.0  # beyond the full recall
    far = [0.5, 0.5, 1.0, 1.0]
    assert precision([*twice, [*far, 0, 0.7]], [[*BOX, 0, 0], [*far, 0, 0]]) == pytest.approx(
        (51 + 50 * 2 / 3) / 101
    )


def test_what_finds_a_crowd_is_neither_right_nor_wrong() -> None:
    crowd = [0.0, 0.0, 1.0, 1.0, 0, 1]
    inside = [[0.6, 0.6, 0.9, 0.9, 0, 0.95], [0.6, 0.1, 0.9, 0.4, 0, 0.94], [*BOX, 0, 0.5]]
    assert precision(inside, [[*BOX, 0, 0], crowd]) == 1.0
    assert precision(inside, [[*BOX, 0, 0]]) == pytest.approx(1 / 3)


def test_another_class_in_the_right_place_is_wrong() -> None:
    assert precision([[*BOX, 1, 0.9]], [[*BOX, 0, 0]]) == 0.0


def test_a_half_covered_box_counts_for_ap_50_alone() -> None:
    found, truth = np.array([[[0.0, 0.0, 0.5, 0.25, 0, 0.9]]]), np.array([[[*BOX, 0, 0]]])
    once = np.arange(1)
    assert mean_precision(match_boxes(found, truth), once) == pytest.approx(0.1)
    assert mean_precision(match_boxes(found, truth, OVERLAPS[:1]), once) == 1.0


def test_classes_without_boxes_are_left_out() -> None:
    assert [m.label for m in match_boxes(np.array([[NONE]]), np.array([[[*BOX, 4, 0]]]))] == [4]
    assert np.isnan(precision([[*BOX, 0, 0.9]], [NONE]))


def test_a_hundred_detections_of_a_class_in_an_image_count() -> None:
    wrong = [[0.9, 0.9, 1.0, 1.0, 0, 0.9]] * boxes_.MOST
    assert precision([*wrong, [*BOX, 0, 0.5]], [[*BOX, 0, 0]]) == 0.0
    assert precision([*wrong[1:], [*BOX, 0, 0.5]], [[*BOX, 0, 0]]) == pytest.approx(0.01)


@given(st.integers(0, 1 << 20))
def test_overlaps_do_not_depend_on_the_unit(seed: int) -> None:
    random = np.random.default_rng(seed)
    corner = random.random((2, 3, 2))
    a, b = (np.concatenate([c, c + random.random((3, 2))], axis=1) for c in corner)
    unit = np.array([96.0, 128.0, 96.0, 128.0])
    np.testing.assert_allclose(boxes_.overlaps_of(a, b), boxes_.overlaps_of(a * unit, b * unit))
