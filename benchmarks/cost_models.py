"""Small models, each a row of layers of many shapes: what the cost tables are fitted on.

The shapes are none of MLPerf Tiny's models'.
"""

from __future__ import annotations

from collections.abc import Iterator

from cost_layers import (
    ACTIVATION,
    PROBABILITY,
    RECTIFIED,
    SIGNED,
    Recipe,
    Row,
    binary,
    chained,
    concatenate,
    conv,
    dense,
    depthwise,
    mean,
    pad,
    pool,
    product,
    resize,
    softmax,
    through_float,
    transpose,
    transposed,
    unary,
)

from edgeq.core.records import CompileOptions, Goal
from edgeq.graph.ir import Graph

# A firmware has at most 16 outputs.
LAYERS_A_MODEL = 12
# fmt: off
RECIPES: tuple[Recipe, ...] = (
    conv(40, 12, 1, 12, (8, 4), 2), conv(30, 8, 1, 32, (6, 4), 2), conv(25, 6, 1, 24, (12, 3)),
    conv(32, 32, 3, 8, 3, 2), conv(20, 20, 3, 16, 3), conv(64, 64, 3, 6, 3, 2),
    conv(16, 16, 12, 16, 3), conv(14, 14, 24, 16, 3, 2), conv(9, 9, 32, 40, 3),
    conv(8, 8, 48, 24, 3, 1, "VALID"), conv(10, 10, 56, 16, 3, 2), conv(12, 12, 8, 20, 5),
    conv(20, 20, 4, 6, 2, 2, "VALID"), conv(1, 60, 8, 16, (1, 5)), conv(60, 1, 10, 8, (7, 1)),
    conv(16, 16, 16, 24, 1, 2), conv(14, 14, 40, 24, 1, 2), conv(10, 10, 24, 64, 1, 2),
    conv(9, 9, 5, 7, 3), conv(12, 12, 8, 8, 3, 1, "SAME", 2), conv(6, 6, 96, 12, 3),
    conv(40, 40, 1, 8, 3), conv(18, 18, 6, 10, 4, 2), conv(7, 7, 72, 20, 3, 1, "VALID"),
    conv(6, 6, 1, 8, 3, 2), conv(5, 7, 3, 4, 3), conv(10, 4, 2, 6, 3), conv(4, 4, 16, 12, 3),
    conv(7, 5, 8, 6, 2), conv(3, 3, 24, 8, 3), conv(12, 12, 1, 4, 5, 1, "VALID"),
    conv(24, 24, 8, 16, 1), conv(12, 12, 16, 36, 1), conv(24, 5, 48, 40, 1),
    conv(11, 11, 32, 32, 1), conv(7, 7, 64, 56, 1), conv(3, 3, 128, 96, 1),
    conv(6, 6, 96, 40, 1), conv(5, 5, 20, 30, 1), conv(10, 10, 12, 9, 1),
    conv(16, 16, 3, 8, 1), conv(4, 4, 200, 50, 1), conv(2, 2, 256, 100, 1),
    conv(1, 1, 64, 24, 1), conv(1, 1, 160, 100, 1), conv(1, 1, 30, 10, 1),
    conv(3, 3, 20, 12, 3, 1, "VALID"), conv(4, 2, 48, 30, (4, 2), 1, "VALID"),
    conv(1, 1, 400, 40, 1), conv(18, 18, 8, 16, 3, output=ACTIVATION),
    conv(15, 15, 16, 24, 1, output=ACTIVATION), conv(16, 16, 16, 12, 3, 1, output=ACTIVATION),
    dense(64, 20), dense(96, 120), dense(600, 96), dense(16, 128), dense(100, 10),
    dense(256, 64), dense(32, 3), dense(400, 33), dense(12, 120), dense(1024, 40),
    dense(40, 24, 9), dense(128, 16, 4), dense(10, 8), dense(20, 4),
    depthwise(40, 40, 8), depthwise(24, 24, 20, 3, 2), depthwise(20, 20, 24),
    depthwise(13, 13, 48), depthwise(12, 12, 72, 3, 2), depthwise(7, 7, 120),
    depthwise(24, 6, 48), depthwise(3, 3, 200), depthwise(10, 10, 32, 3, 1, "VALID"),
    depthwise(16, 16, 4), depthwise(5, 5, 160, 3, 2), depthwise(30, 4, 16),
    depthwise(5, 5, 8), depthwise(6, 6, 12, 3, 2), depthwise(4, 7, 24),
    depthwise(12, 12, 16, 5), depthwise(8, 8, 32, 5, 2), depthwise(24, 1, 24, (9, 1)),
    depthwise(12, 12, 8, 3, 1, "SAME", 2), depthwise(10, 10, 8, 3, 1, "SAME", 1, 2),
    depthwise(16, 16, 1, 3, 1, "SAME", 1, 8), depthwise(9, 9, 12, 7),
    depthwise(20, 20, 1, (10, 8), 2, "SAME", 1, 8),
    depthwise(6, 6, 20, 5), depthwise(14, 14, 6, 4, 2), depthwise(1, 40, 16, (1, 7)),
    depthwise(7, 7, 64, 5), depthwise(11, 11, 10, 2, 2, "VALID"), depthwise(9, 9, 3, 5, 1, "VALID"),
    depthwise(8, 8, 40, 3, 1, "SAME", 2), depthwise(15, 15, 2, 3, 2, "SAME", 1, 4),
    depthwise(40, 40, 6, 3, 2), depthwise(10, 10, 64, 3, 2), depthwise(21, 17, 16, 3, 2),
    depthwise(13, 13, 24, 3, 2, "VALID"), depthwise(32, 24, 8, 3, 2),
    depthwise(18, 18, 20, output=ACTIVATION), depthwise(7, 7, 72, output=ACTIVATION),
    depthwise(20, 20, 12, 3, 2, output=ACTIVATION), depthwise(9, 9, 44, 3, 2, output=ACTIVATION),
    pool("AVERAGE_POOL_2D", 9, 9, 16, (3, 3), 1, "SAME"),
    pool("AVERAGE_POOL_2D", 10, 1, 40, (10, 1), 1, "VALID"),
    pool("AVERAGE_POOL_2D", 3, 3, 300, (3, 3), 1, "VALID"),
    pool("AVERAGE_POOL_2D", 24, 6, 64, (24, 6), 1, "VALID"),
    pool("AVERAGE_POOL_2D", 8, 8, 32, (8, 8), 8, "VALID"),
    pool("AVERAGE_POOL_2D", 12, 12, 24, (2, 2), 2, "VALID"),
    pool("AVERAGE_POOL_2D", 4, 4, 200, (4, 4), 4, "VALID"),
    pool("AVERAGE_POOL_2D", 16, 16, 8, (3, 3), 2, "SAME"),
    pool("AVERAGE_POOL_2D", 10, 10, 100, (5, 5), 5, "VALID"),
    pool("MAX_POOL_2D", 24, 24, 8, (2, 2), 2, "VALID"),
    pool("MAX_POOL_2D", 12, 12, 32, (3, 3), 2, "SAME"),
    pool("MAX_POOL_2D", 6, 6, 96, (6, 6), 6, "VALID"),
    pool("MAX_POOL_2D", 32, 32, 4, (4, 4), 4, "VALID"),
    pool("MAX_POOL_2D", 20, 1, 16, (5, 1), 5, "VALID"),
    pool("MAX_POOL_2D", 9, 9, 40, (3, 3), 3, "VALID"),
    pool("MAX_POOL_2D", 14, 14, 10, (2, 2), 2, "VALID"),
    pool("MAX_POOL_2D", 8, 8, 20, (3, 3), 1, "SAME"),
    mean((1, 8, 8, 64), (1, 2)), mean((1, 4, 4, 100), (1, 2)), mean((1, 12, 12, 16), (1, 2)),
    mean((1, 50, 20), (1,)), mean((1, 16, 300), (2,)),
    mean((1, 3, 3, 256), (1, 2)), mean((1, 30, 30, 4), (1, 2)), mean((1, 200), (1,)),
    binary("ADD", (1, 16, 16, 16), (1, 16, 16, 16)), binary("ADD", (1, 1000), (1, 1000)),
    binary("ADD", (1, 8, 8, 32), (1, 1, 1, 32)), binary("SUB", (1, 60), (1, 60)),
    binary("ADD", (1, 12, 12, 24), (1, 12, 12, 24)), binary("SUB", (1, 300), (1, 300)),
    binary("ADD", (1, 20, 20, 10), (1, 20, 20, 10)), binary("SUB", (1, 6, 6, 40), (1, 1, 1, 40)),
    binary("ADD", (1, 24, 24, 4), (1, 1, 1, 4)), binary("ADD", (1, 9, 9, 48), (1, 9, 9, 48)),
    binary("SUB", (1, 14, 14, 10), (1, 1, 1, 10)), binary("MUL", (1, 2000), (1, 2000)),
    binary("MUL", (1, 12, 12, 16), (1, 12, 12, 16)), binary("MUL", (1, 300), (1, 300)),
    binary("MUL", (1, 12, 12, 24), (1, 1, 1, 24)), binary("MUL", (1, 20, 20, 5), (1, 1, 1, 5)),
    unary("LOGISTIC", 500, PROBABILITY), unary("TANH", 64, SIGNED),
    unary("RELU", 4096), unary("LEAKY_RELU", 1500, alpha=0.1),
    softmax(1, 10), softmax(1, 4), softmax(1, 100), softmax(20, 16), softmax(50, 3),
    softmax(4, 40), softmax(1, 20),
    concatenate((1, 12, 12, 16), 3, 2), concatenate((1, 200), 1, 3),
    concatenate((1, 20, 20, 3), 3, 2),
    resize("RESIZE_NEAREST_NEIGHBOR", (1, 8, 8, 16), (16, 16)),
    resize("RESIZE_NEAREST_NEIGHBOR", (1, 12, 10, 6), (20, 30)),
    resize("RESIZE_NEAREST_NEIGHBOR", (1, 5, 5, 48), (10, 10)),
    resize("RESIZE_BILINEAR", (1, 8, 8, 16), (16, 16)),
    resize("RESIZE_BILINEAR", (1, 12, 10, 6), (20, 30)),
    resize("RESIZE_BILINEAR", (1, 5, 5, 48), (10, 10)),
    pad((1, 16, 16, 16), 1), pad((1, 24, 24, 3), 2), pad((1, 6, 6, 64), 1),
    transpose((1, 24, 30), (0, 2, 1)), transpose((1, 12, 12, 8), (0, 3, 1, 2)),
    through_float(1000), through_float(64), through_float(300),
    *(
        dense(*size, RECTIFIED, one_scale=True)
        for size in (
            (300, 48, 1), (48, 300, 1), (200, 64, 1), (64, 200, 1), (36, 36, 4), (20, 12, 1),
        )
    ),
    dense(160, 160, 1, RECTIFIED), dense(96, 40, 1, RECTIFIED), dense(500, 30, 1, RECTIFIED),
    dense(128, 90, one_scale=True), dense(72, 10, one_scale=True),
    dense(256, 33, 1, RECTIFIED, one_scale=True),
    chained("ADD", (1, 12, 12, 16), (1, 12, 12, 16)), chained("SUB", (1, 999), (1, 999)),
    chained("ADD", (1, 8, 8, 32), (1, 1, 1, 32)), chained("ADD", (1, 20, 20, 5), (1, 1, 1, 5)),
    chained("MUL", (1, 12, 12, 16), (1, 12, 12, 16)), chained("MUL", (1, 200), (1, 200)),
    chained("MUL", (1, 8, 8, 32), (1, 1, 1, 32)), chained("ADD", (1, 6, 6, 40), (1, 1, 1, 40)),
    product((1, 32, 16), 32, True), product((1, 32, 32), 16, False), product((4, 8, 20), 12, True),
    product((2, 20, 24), 20, False), product((1, 50, 8), 9, True), product((1, 6, 64), 30, False),
    transposed(8, 8, 16, 8, 3, 2), transposed(12, 9, 8, 6, 4, 2), transposed(6, 6, 24, 12, 2, 2),
    transposed(5, 7, 12, 4, 5, 3), transposed(10, 10, 6, 10, 3, 2, "VALID"),
    transposed(4, 4, 48, 16, 3, 2),
)
PACKED: tuple[Recipe, ...] = (
    *(
        conv(*shape, dtype="int4")
        for shape in (
            (16, 16, 12, 16, 3), (14, 14, 24, 16, 3, 2), (9, 9, 32, 40, 3), (12, 12, 8, 20, 5),
            (20, 20, 3, 16, 3), (10, 10, 56, 16, 3, 2), (8, 8, 48, 24, 3, 1, "VALID"),
            (6, 6, 20, 30, 3), (18, 18, 6, 10, 4, 2), (24, 24, 8, 16, 1), (12, 12, 16, 36, 1),
            (7, 7, 64, 56, 1), (3, 3, 128, 96, 1), (10, 10, 12, 9, 1), (14, 14, 40, 24, 1, 2),
            (11, 11, 32, 32, 1), (5, 5, 20, 30, 1), (16, 16, 16, 24, 1, 2), (25, 6, 1, 24, (12, 3)),
            (1, 60, 8, 16, (1, 5)),
        )
    ),
    *(
        dense(*size, dtype="int4")
        for size in ((96, 120), (600, 96), (100, 10), (256, 64), (32, 3), (400, 33), (40, 24, 9))
    ),
    *(
        depthwise(*shape, dtype="int4")
        for shape in (
            (24, 24, 20), (13, 13, 48), (12, 12, 72, 3, 2), (7, 7, 120), (16, 16, 4), (30, 4, 16),
            (12, 12, 16, 5), (8, 8, 32, 5, 2), (24, 1, 24, (9, 1)), (20, 20, 12, 3, 2),
            (10, 10, 8, 3, 1, "SAME", 1, 2), (10, 10, 32, 3, 1, "VALID"),
        )
    ),
)
# Layers that Winograd's kernel is for.
SQUARES: tuple[Recipe, ...] = tuple(
    conv(h, w, c, out, 3, 1, padding, output=output)
    for h, w, c, out, padding, output in (
        (16, 16, 12, 16, "SAME", RECTIFIED), (9, 9, 32, 40, "SAME", RECTIFIED),
        (8, 8, 48, 24, "VALID", RECTIFIED), (7, 7, 72, 20, "VALID", RECTIFIED),
        (12, 12, 8, 8, "SAME", ACTIVATION), (6, 6, 96, 12, "SAME", RECTIFIED),
        (18, 18, 8, 16, "SAME", ACTIVATION), (4, 4, 16, 12, "SAME", RECTIFIED),
        (24, 24, 8, 12, "SAME", RECTIFIED), (20, 10, 16, 8, "SAME", RECTIFIED),
        (5, 21, 20, 24, "SAME", RECTIFIED), (10, 10, 40, 30, "VALID", ACTIVATION),
        (14, 14, 24, 36, "SAME", RECTIFIED), (11, 13, 12, 20, "VALID", RECTIFIED),
        (3, 3, 64, 32, "SAME", RECTIFIED), (17, 8, 24, 10, "SAME", ACTIVATION),
        (22, 22, 12, 6, "VALID", RECTIFIED), (8, 16, 28, 28, "SAME", RECTIFIED),
    )
)
# fmt: on
# What each recipe is compiled for.
GOALS: tuple[tuple[Goal, tuple[Recipe, ...]], ...] = (
    ("balanced", (*RECIPES, *PACKED)),
    ("speed", SQUARES),
)


def cost_models() -> Iterator[tuple[Graph, CompileOptions]]:
    """Yield models whose layers together are every recipe, in models of a dozen."""
    for goal, recipes in GOALS:
        for start in range(0, len(recipes), LAYERS_A_MODEL):
            row = Row()
            outputs = tuple(build(row) for build in recipes[start : start + LAYERS_A_MODEL])
            name = f"{goal}{start // LAYERS_A_MODEL}"
            yield row.build(name, [row.source], outputs), CompileOptions(goal=goal)
