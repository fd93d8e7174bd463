"""What a detector gives, as one table of boxes an image, however its outputs are laid out.

Detections are (N, K, 6) of float64: ymin, xmin, ymax, xmax in shares of the image, class, score,
best score first; a row whose class is below 0 is none.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgeq.convert.box_precision import VALUES, overlaps_of
from edgeq.convert.metrics import Array
from edgeq.convert.samples import Inputs
from edgeq.core.errors import InputError
from edgeq.core.records import Record
from edgeq.data.manifest import BOX_METRICS, Detection, Manifest
from edgeq.graph.ir import Graph

POSTPROCESS = "TFLite_Detection_PostProcess"
CONSIDERED = 1000  # candidates of a class in an image that suppression looks at, the best ones
CORNERS = {"yxyx": (0, 1, 2, 3), "xyxy": (1, 0, 3, 2)}
HINT = "correct [detection] in the manifest: it says how the outputs are laid out"


class Layout(Record, frozen=True, kw_only=True):
    """How a detector's outputs are read, and how many classes the dataset names."""

    form: Detection
    classes: int

    @property
    def lists(self) -> bool:
        """Whether the model gives lists, whose order depends on the scores."""
        return self.form.form == "lists"


def layout_of(manifest: Manifest) -> Layout | None:
    """Return the layout of a detector's outputs, None where the metric judges no boxes."""
    if manifest.metric not in BOX_METRICS:
        return None
    return Layout(form=manifest.detection or Detection(), classes=len(manifest.labels))


def judged_outputs(
    outputs: Inputs, layout: Layout | None, order: Sequence[int] | None = None
) -> Array:
    """Return what a metric judges: the first output (N, ...), or detections (N, K, 6).

    Args:
        layout: of a detector, None for other models.
        order: places of boxes, classes, scores and count among the outputs; None: as they come.

    Raises:
        InputError: the outputs are not of the layout.
    """
    if layout is None:
        return outputs[0]
    form = layout.form
    if not layout.lists:
        return _suppress(*_candidates(outputs[0], form, layout.classes), form)
    boxes, labels, scores, count = _lists(outputs, order)
    listed = np.arange(labels.shape[1]) < np.rint(count)
    rows = np.dstack([_corners(boxes, form), labels, scores])
    rows[~listed] = -1.0
    return _sorted(rows)


def postprocess_order(graph: Graph) -> tuple[int, ...] | None:
    """Return where boxes, classes, scores and count of the detection operator are among the
    graph's outputs; None where they are not its outputs."""
    for node in graph.nodes:
        if node.options.get("custom_code") == POSTPROCESS and set(node.outputs) <= set(
            graph.outputs
        ):
            return tuple(list(graph.outputs).index(index) for index in node.outputs)
    return None


def _lists(outputs: Inputs, order: Sequence[int] | None) -> tuple[Array, Array, Array, Array]:
    """Return boxes (N, K, 4), classes (N, K), scores (N, K) and count (N, 1) as float64."""
    if len(outputs) != 4:
        raise InputError(
            f"lists of detections are four outputs, the model has {len(outputs)}", hint=HINT
        )
    given = [np.asarray(outputs[place], np.float64) for place in order or range(4)]
    boxes, labels, scores, count = (value.reshape(len(value), -1) for value in given)
    most = labels.shape[1]
    if (boxes.shape[1], scores.shape[1], count.shape[1]) != (4 * most, most, 1):
        shapes = ", ".join(str(list(value.shape[1:])) for value in given)
        raise InputError(
            f"the outputs have the shapes {shapes}, not those of boxes [K, 4], classes [K], "
            "scores [K] and a count",
            hint="give the model its outputs in that order",
        )
    if not np.array_equal(labels, np.rint(labels)):
        raise InputError(
            "the classes of the detections are no whole numbers",
            hint="give the model its outputs in the order boxes, classes, scores, count",
        )
    return boxes.reshape(len(boxes), most, 4), labels, scores, count


def _candidates(output: Array, form: Detection, classes: int) -> tuple[Array, Array]:
    """Return the boxes (N, A, 4) as yxyx in shares, and their scores (N, A, classes)."""
    value = np.asarray(output, np.float64)
    value = value.swapaxes(1, 2) if form.transposed and value.ndim == 3 else value
    if value.ndim != 3 or value.shape[2] != 4 + classes:
        raise InputError(
            f"the output has the shape {list(output.shape[1:])}; candidates of {classes} classes "
            f"are rows of {4 + classes} values",
            hint=HINT,
        )
    return _corners(value[..., :4], form), value[..., 4:]


def _corners(boxes: Array, form: Detection) -> Array:
    """Return boxes (N, A, 4) as ymin, xmin, ymax, xmax in shares of the image."""
    if form.box == "cxcywh":
        middle, half = boxes[..., 1::-1], boxes[..., :1:-1] / 2
        corners = np.concatenate([middle - half, middle + half], axis=-1)
    else:
        corners = boxes[..., CORNERS[form.box]]
    height, width = form.size
    return np.asarray(corners / np.array([height, width, height, width]))


def _suppress(boxes: Array, scores: Array, form: Detection) -> Array:
    """Return the best candidates, of each class none that a better one overlaps too much.

    Greedy non-maximum suppression, class by class.
    """
    found = np.full((len(boxes), form.most, VALUES), -1.0)
    for image, (places, values) in enumerate(zip(boxes, scores, strict=True)):
        kept = [_of_class(places, values[:, c], c, form) for c in range(values.shape[1])]
        rows = np.concatenate(kept)
        best = rows[np.argsort(-rows[:, 5], kind="stable")][: form.most]
        found[image, : len(best)] = best
    return found


def _of_class(boxes: Array, scores: Array, label: int, form: Detection) -> Array:
    """Return the rows (K, 6) of one class in one image that suppression leaves."""
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] > form.least][:CONSIDERED]
    apart = overlaps_of(boxes[order], boxes[order]) <= form.overlap
    alive = np.ones(len(order), bool)
    for place in range(len(order)):
        if alive[place]:
            alive[place + 1 :] &= apart[place, place + 1 :]
    left = order[alive]
    return np.column_stack([boxes[left], np.full(len(left), float(label)), scores[left]])


def _sorted(rows: Array) -> Array:
    """Return the rows (N, K, 6), the best score of each image first, those that are none last."""
    scores = np.where(rows[..., 4] < 0, -np.inf, rows[..., 5])
    order = np.argsort(-scores, axis=1, kind="stable")
    return np.take_along_axis(rows, order[..., None], axis=1)
