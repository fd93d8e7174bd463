"""Squares on a grid of cells, in COCO's form, and detectors that see the mean colour of a cell.

An image of 32 x 32 pixels has 4 x 4 cells; red cells are squares of class 0, green ones of class
1. Some boxes are drawn a little off their cell, and some cells are coloured without a box, so
that no detector is perfect.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from edgeq.graph.ir import Graph, Tensor
from edgeq.graph.writer import write_graph
from tests.support.models import ModelBuilder, activation, constant

SIDE, CELLS = 32, 4
CELL = SIDE // CELLS
LABELS = ("red", "green")
MANIFEST = """
id = "squares"
name = "squares"
licence = "CC0-1.0"
metric = "{metric}"
labels = ["red", "green"]
[source]
kind = "local"
path = "{folder}"
[reader]
kind = "coco"
annotations = "boxes.json"
images = "images"
[[preprocessing]]
kind = "scale"
factor = {factor}
[sample]
shape = [32, 32, 3]
{detection}
[splits.representative]
by = "rows"
start = 0
stop = {half}
[splits.evaluation]
by = "rows"
start = {half}
stop = {count}
"""
CANDIDATES = '[detection]\nform = "candidates"\noverlap = 0.5'


def write_squares(
    folder: Path, *, count: int = 60, metric: str = "coco_map", detection: str = ""
) -> Path:
    """Write images and boxes, and return the manifest beside them."""
    from PIL import Image

    random = np.random.default_rng(4)
    (folder / "images").mkdir(parents=True)
    images, annotations = [], []
    for number in range(count):
        pixels = random.integers(0, 40, (SIDE, SIDE, 3)).astype(np.uint8)
        for place in random.choice(CELLS * CELLS, 4, replace=False):
            label, fake = int(random.integers(2)), random.random() < 0.3
            row, column = divmod(int(place), CELLS)
            light = random.integers(80, 180) if fake else random.integers(120, 256)
            area = np.s_[row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL, label]
            pixels[area] = light
            if not fake:
                off = min(float(random.integers(0, 3)), SIDE - CELL * (max(row, column) + 1.0))
                box = [column * CELL + off, row * CELL + off, float(CELL), float(CELL)]
                annotations.append(
                    {"id": len(annotations), "image_id": number, "category_id": label + 7,
                     "bbox": box, "area": float(CELL * CELL), "iscrowd": int(number % 9 == 0)}
                )  # fmt: skip
        name = f"{number:03}.png"
        Image.fromarray(pixels).save(folder / "images" / name)
        images.append({"id": number, "file_name": name, "width": SIDE, "height": SIDE})
    categories = [{"id": 7 + place, "name": name} for place, name in enumerate(LABELS)]
    coco = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "boxes.json").write_text(json.dumps(coco))
    path = folder / "squares.toml"
    path.write_text(
        MANIFEST.format(
            metric=metric, folder=folder, factor=1 / 255, count=count, half=count // 2,
            detection=detection,
        )
    )  # fmt: skip
    return path


def cell_detector() -> Any:
    """Return a Keras model of one output (16, 4 + 2): each cell's box, yxyx, and its scores."""
    import keras
    from keras import layers

    inputs = keras.Input((SIDE, SIDE, 3), name="image")
    cells = layers.AveragePooling2D(CELL, name="cells")(inputs)
    scores = layers.Conv2D(2, 1, use_bias=False, name="scores")(cells)
    flat = layers.Flatten()(scores)
    boxes = layers.Dense(CELLS * CELLS * 4, name="boxes")(flat)
    rows = layers.Reshape((CELLS * CELLS, 4))(boxes), layers.Reshape((CELLS * CELLS, 2))(scores)
    model = keras.Model(inputs, layers.Concatenate(name="found")(list(rows)))
    model.get_layer("scores").set_weights([np.eye(3, 2, dtype=np.float32)[None, None]])
    kernel = np.zeros((CELLS * CELLS * 2, CELLS * CELLS * 4), np.float32)
    model.get_layer("boxes").set_weights([kernel, corners().ravel()])
    return model


def corners() -> np.ndarray:
    """Return the cells' boxes (16, 4): ymin, xmin, ymax, xmax in shares of the image."""
    row, column = np.divmod(np.arange(CELLS * CELLS), CELLS)
    return np.stack([row, column, row + 1, column + 1], axis=1).astype(np.float32) / CELLS


def postprocess_bytes(order: tuple[int, ...] = (0, 1, 2, 3)) -> bytes:
    """Return a float .tflite that ends in TFLite_Detection_PostProcess.

    `order`: which of boxes, classes, scores and count each of the model's outputs is.
    """
    return _with_options(write_graph(_postprocess_graph(order)))


def _postprocess_graph(order: tuple[int, ...]) -> Graph:
    builder, cells = ModelBuilder(), CELLS * CELLS
    image = builder.input(activation((1, SIDE, SIDE, 3), "float32"))
    pooled = builder.op(
        "AVERAGE_POOL_2D",
        [image],
        activation((1, CELLS, CELLS, 3), "float32"),
        {"padding": "VALID", "stride_w": CELL, "stride_h": CELL, "filter_width": CELL,
         "filter_height": CELL, "fused_activation_function": "NONE"},
    )  # fmt: skip
    kernel = np.zeros((3, 1, 1, 3), np.float32)  # the background, red, green
    kernel[1, 0, 0, 0] = kernel[2, 0, 0, 1] = 1
    scored = builder.op(
        "CONV_2D",
        [pooled, constant(kernel, "float32"), constant(np.zeros(3), "float32")],
        activation((1, CELLS, CELLS, 3), "float32"),
        {"padding": "VALID", "stride_w": 1, "stride_h": 1, "dilation_w_factor": 1,
         "dilation_h_factor": 1, "fused_activation_function": "NONE"},
    )  # fmt: skip
    shape = constant(np.array([1, cells, 3]), "int32")
    scores = builder.op(
        "RESHAPE",
        [scored, shape],
        activation((1, cells, 3), "float32"),
        {"new_shape": (1, cells, 3)},
    )
    sides = np.full((cells, 2), 1 / CELLS, np.float32)
    anchors = np.concatenate([corners()[:, :2] + 1 / 8, sides], axis=1)
    builder.op(
        "CUSTOM",
        [constant(np.zeros((1, cells, 4)), "float32"), scores, constant(anchors, "float32")],
        [_output((1, 10, 4)), _output((1, 10)), _output((1, 10)), _output((1,))],
        {"custom_code": "TFLite_Detection_PostProcess"},
    )
    # The operator's inputs are boxes, scores and anchors.
    found = builder.nodes[-1].outputs
    return builder.build([found[place] for place in order])


def _output(shape: tuple[int, ...]) -> Tensor:
    return activation(shape, "float32")


def _with_options(model: bytes) -> bytes:
    """Return the model with the options of its detection operator, a flexbuffer."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema
    from flatbuffers import flexbuffers

    fields = {
        "max_detections": 10, "max_classes_per_detection": 1, "nms_score_threshold": 0.05,
        "nms_iou_threshold": 0.5, "num_classes": 2, "y_scale": 10.0, "x_scale": 10.0,
        "h_scale": 5.0, "w_scale": 5.0, "use_regular_nms": False,
    }  # fmt: skip
    tables = schema.ModelT.InitFromPackedBuf(model, 0)
    tables.subgraphs[0].operators[-1].customOptions = list(flexbuffers.Dumps(fields))
    builder = flatbuffers.Builder(1024)
    builder.Finish(tables.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())
