"""The page on passes, made from their table.

`python -m edgeq.compile.passes.reference > docs/passes.md` writes it.
"""

from __future__ import annotations

import sys

from edgeq.compile.passes.table import PASSES

_HEAD = """\
# Passes over the graph

Before it lowers a model to C, `edgeq compile` rewrites its graph so that there is less to compute.
No pass changes a byte of any output for any input: each is proved by the argument below and held
against the oracle (`edgeq/graph/oracle`) on hand-made, random and real graphs, with random and
extreme inputs (`tests/compile/passes`).

Passes run in this order, in rounds, until none has anything to do:

| Pass | What it does | Why it is exact |
| --- | --- | --- |
"""

_TAIL = """
`--no-pass NAME` leaves one out, and may be repeated; in Python it is
`CompileOptions(omitted_passes=("NAME",))`. What every pass did stands in the plan (`passes` in
NAME.json) and in what `edgeq compile` prints. `macs` of a plan are those of the model as its file
has it, `computed_macs` those that are left; a layer's are those that it computes.
`--no-pass winograd` and `--no-pass codebooks` leave out no pass but kernels ([the
engine](engine.md)).

Tensors and operators keep the indices of the file. Some results of passes no file can hold: windows
with the padding EXPLICIT, clamps between given integers, and BYTE_TABLE, a function of one byte as
a table. `edgeq validate` compares a model's outputs with those of the graph in the file; the layer
at which they first differ is looked for on the rewritten graph, which is what the board computes.
"""


def passes_page() -> str:
    """Return the page in Markdown."""
    rows = "".join(f"| `{p.name}` | {p.about} | {p.proof} |\n" for p in PASSES)
    return _HEAD + rows + _TAIL


if __name__ == "__main__":
    sys.stdout.write(passes_page())
