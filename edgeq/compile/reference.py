"""The supported-ops page, made from the table of operators and the docstrings of its rules.

`python -m edgeq.compile.reference > docs/supported-ops.md` writes it.
"""

from __future__ import annotations

import sys

from edgeq.compile.memory.lifetimes import RESHAPES
from edgeq.compile.support import FLOAT_ONLY, OPERATORS, Operator
from edgeq.graph.ops import INTERNAL

_HEAD = """\
# Supported operators

What `edgeq compile` turns into C, and what its kernels ask for. An operator that keeps to its row
gives the bytes of TensorFlow Lite Micro's reference kernels; any other is refused by name.
Weights may be int8 or int4 (those of CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED two to a byte
in flash), per tensor or per channel; activations are int8, with int8 weights also int16 where a row
says so, or at the edges of a model uint8 and float32. int8 weights of those three operators and
int8 data that have at most 16 distinct values in a tensor, as clustered, ternary and binary ones
do, lie in flash as codes of 4 bits, 2 (at most four values) or 1 (two), where that saves flash and
the goal is `balanced` or `flash`.

| Operator | Rules |
| --- | --- |
"""

_AT_COMPILE_TIME = {
    "CALL_ONCE": "Before any variable is used. What its subgraph assigns is computed by the "
    "compiler: NAME_init gives it to the variables.",
    "VAR_HANDLE": "Names a variable, which an ASSIGN_VARIABLE of the model gives its size.",
}

_TAIL = """
Variables keep their values from one NAME_invoke to the next, in memory that nothing else shares;
NAME_init gives them their first values again. Operators that read or write them keep their order.

TensorFlow Lite Micro computes these on float32 alone, so that there are no bytes to be equal to:
{float_only}. Models that use them in int8 run on LiteRT only.
"""


def supported_ops_page() -> str:
    """Return the page in Markdown."""
    known = [(n, OPERATORS[n]) for n in sorted(OPERATORS) if n not in INTERNAL]
    rows = [f"| {name} | {_rules(row)} |" for name, row in known]
    rows += [f"| {name} | Any dtype; takes no time and no memory. |" for name in sorted(RESHAPES)]
    rows += [f"| {name} | {rule} |" for name, rule in _AT_COMPILE_TIME.items()]
    tail = _TAIL.format(float_only=", ".join(sorted(FLOAT_ONLY)))
    return _HEAD + "\n".join(rows) + "\n" + tail


def _rules(row: Operator) -> str:
    return " ".join((rule.__doc__ or "").split("\n")[0] for rule in row.rules) or "None."


if __name__ == "__main__":
    sys.stdout.write(supported_ops_page())
