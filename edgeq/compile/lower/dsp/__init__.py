"""Kernels for cores with the DSP extension: Cortex-M4, M7 and M33."""

from __future__ import annotations

from edgeq.compile.lower.dsp.binary import PRODUCTS, SUMS, TABLED_PRODUCTS, TABLED_SUMS
from edgeq.compile.lower.dsp.convolution import CONVOLUTIONS
from edgeq.compile.lower.dsp.dense import DENSE
from edgeq.compile.lower.dsp.depthwise import DEPTHWISE
from edgeq.compile.lower.dsp.elementwise import CLAMPS
from edgeq.compile.lower.dsp.matmul import MATRICES
from edgeq.compile.lower.dsp.pooling import POOLS
from edgeq.compile.lower.dsp.recurrent import LSTMS
from edgeq.compile.lower.dsp.reductions import MEANS
from edgeq.compile.lower.dsp.transposed import TRANSPOSED
from edgeq.compile.lower.variants import Variant

ROWS: dict[str, tuple[Variant, ...]] = {
    "ADD": SUMS,
    "ADD_TABLE": TABLED_SUMS,
    "AVERAGE_POOL_2D": POOLS,
    "BATCH_MATMUL": MATRICES,
    "CONV_2D": CONVOLUTIONS,
    "DEPTHWISE_CONV_2D": DEPTHWISE,
    "FULLY_CONNECTED": DENSE,
    "MAX_POOL_2D": POOLS,
    "MEAN": MEANS,
    "MUL": PRODUCTS,
    "MUL_TABLE": TABLED_PRODUCTS,
    **dict.fromkeys(("RELU", "RELU6", "RELU_0_TO_1", "RELU_N1_TO_1"), CLAMPS),
    "SUB": SUMS,
    "SUB_TABLE": TABLED_SUMS,
    "SUM": MEANS,
    "TRANSPOSE_CONV": TRANSPOSED,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": LSTMS,
}
