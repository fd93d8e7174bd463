"""Sizes of TensorFlow Lite Micro's structures in bytes on 32-bit Arm.

Read from the debug information of tensorflow/tflite-micro at 90b983c, compiled by GCC 12 for
Cortex-M (AAPCS: pointers of 4 bytes, enumerations as small as their values).
"""

from __future__ import annotations

# --- the interpreter and its allocator ---------------------------------------------------------

ARENA_ALIGNMENT = 16

SINGLE_ARENA_BUFFER_ALLOCATOR = 36
GREEDY_MEMORY_PLANNER = 44
MICRO_ALLOCATOR = 36
BUILTIN_DATA_ALLOCATOR = 8
SUBGRAPH_ALLOCATIONS = 8
EVAL_TENSOR = 12
NODE_AND_REGISTRATION = 32
TENSOR = 32
AFFINE_QUANTIZATION = 12
SCRATCH_HANDLE = 4
POINTER = 4

# What exists only while AllocateTensors plans.
SCRATCH_REQUEST = 12
SCRATCH_REQUESTS_SPARE = 12
ALLOCATION_INFO = 24
PLANNER_PER_BUFFER = 40


def int_array(length: int) -> int:
    """Return the bytes of a TfLiteIntArray of `length` values."""
    return 4 * (1 + length)


# --- what the flatbuffer's options become: TfLite...Params, as (bytes, alignment) --------------

PARAMS: dict[str, tuple[int, int]] = {
    "ADD": (2, 1),
    "ARG_MAX": (1, 1),
    "ARG_MIN": (1, 1),
    "AVERAGE_POOL_2D": (40, 4),
    "BATCH_MATMUL": (3, 1),
    "CAST": (2, 1),
    "CONCATENATION": (8, 4),
    "CONV_2D": (28, 4),
    "CUMSUM": (2, 1),
    "DEPTH_TO_SPACE": (4, 4),
    "DEPTHWISE_CONV_2D": (28, 4),
    "DIV": (1, 1),
    "FULLY_CONNECTED": (5, 1),
    "GATHER": (8, 4),
    "L2_NORMALIZATION": (1, 1),
    "L2_POOL_2D": (40, 4),
    "LEAKY_RELU": (4, 4),
    "MAX_POOL_2D": (40, 4),
    "MEAN": (1, 1),
    "MIRROR_PAD": (1, 1),
    "MUL": (1, 1),
    "PACK": (8, 4),
    "REDUCE_ALL": (1, 1),
    "REDUCE_MAX": (1, 1),
    "REDUCE_MIN": (1, 1),
    "RESHAPE": (36, 4),
    "RESIZE_BILINEAR": (2, 1),
    "RESIZE_NEAREST_NEIGHBOR": (2, 1),
    "SHAPE": (1, 1),
    "SOFTMAX": (4, 4),
    "SPACE_TO_DEPTH": (4, 4),
    "SPLIT": (4, 4),
    "SPLIT_V": (4, 4),
    "SQUEEZE": (36, 4),
    "STRIDED_SLICE": (24, 4),
    "SUB": (2, 1),
    "SUM": (1, 1),
    "SVDF": (8, 4),
    "TRANSPOSE_CONV": (16, 4),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (16, 4),
    "UNPACK": (8, 4),
    "VAR_HANDLE": (8, 4),
}

# --- what a kernel's Init allocates: its OpData -------------------------------------------------

OP_DATA: dict[str, int] = {
    "ABS": 28,
    "ADD": 60,
    "AVERAGE_POOL_2D": 32,
    "BATCH_MATMUL": 16,
    "CONCATENATION": 24,
    "CONV_2D": 56,
    "DEPTHWISE_CONV_2D": 56,
    "DEQUANTIZE": 32,
    "DIV": 28,
    "ELU": 256,
    "EQUAL": 32,
    "FULLY_CONNECTED": 48,
    "GREATER": 32,
    "GREATER_EQUAL": 32,
    "HARD_SWISH": 20,
    "L2_NORMALIZATION": 4,
    "LEAKY_RELU": 24,
    "LESS": 32,
    "LESS_EQUAL": 32,
    "LOGISTIC": 16,
    "MAX_POOL_2D": 32,
    "MEAN": 44,
    "MIRROR_PAD": 20,
    "MUL": 36,
    "NOT_EQUAL": 32,
    "PAD": 56,
    "PADV2": 56,
    "PRELU": 28,
    "QUANTIZE": 32,
    "REDUCE_ALL": 44,
    "REDUCE_MAX": 44,
    "REDUCE_MIN": 44,
    "RELU": 28,
    "RELU6": 8,
    "RSQRT": 28,
    "SELECT_V2": 1,
    "SOFTMAX": 56,
    "SPACE_TO_BATCH_ND": 4,
    "SQUARED_DIFFERENCE": 112,
    "STRIDED_SLICE": 84,
    "SUB": 52,
    "SUM": 44,
    "SVDF": 36,
    "TANH": 16,
    "TRANSPOSE_CONV": 72,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": 688,
    "VAR_HANDLE": 4,
}

# Where CMSIS-NN's kernel keeps more.
CMSIS_NN_OP_DATA: dict[str, int] = {
    "ADD": 60,
    "AVERAGE_POOL_2D": 36,
    "BATCH_MATMUL": 36,
    "CONV_2D": 60,
    "DEPTHWISE_CONV_2D": 60,
    "FULLY_CONNECTED": 72,
    "MAX_POOL_2D": 36,
    "SOFTMAX": 64,
    "SVDF": 40,
    "TRANSPOSE_CONV": 76,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": 912,
}

# Allocated by Prepare, for int8 alone.
LOG_SOFTMAX_DATA = 28
CUMSUM_DATA = 36
ADD_N_DATA = 40
BATCH_MATMUL_QUANTIZATION = 28
SOFTMAX_TABLE = 2 * 513
ETHOS_U_DATA = 12

# Operators of TensorFlow Lite Micro that allocate nothing of their own.
PLAIN = frozenset(
    {
        "ARG_MAX", "ARG_MIN", "ASSIGN_VARIABLE", "BATCH_TO_SPACE_ND", "BROADCAST_ARGS",
        "BROADCAST_TO", "CAST", "CEIL", "COS", "DYNAMIC_UPDATE_SLICE", "EXP", "EXPAND_DIMS", "FILL",
        "FLOOR", "FLOOR_DIV", "FLOOR_MOD", "LOG", "LOGICAL_AND", "LOGICAL_NOT", "LOGICAL_OR",
        "MAXIMUM", "MINIMUM", "NEG", "PACK", "READ_VARIABLE", "RESHAPE", "RESIZE_BILINEAR",
        "RESIZE_NEAREST_NEIGHBOR", "REVERSE_V2", "ROUND", "SHAPE", "SIN", "SLICE", "SPLIT",
        "SPLIT_V", "SQRT", "SQUARE", "SQUEEZE", "TRANSPOSE", "UNPACK", "ZEROS_LIKE",
    }
)  # fmt: skip
