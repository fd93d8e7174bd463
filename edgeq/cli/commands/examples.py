"""edgeq examples list, train"""

from __future__ import annotations

from typing import Annotated

import typer

from edgeq.cli import options as opt

Name = Annotated[str, typer.Argument(help="An example's name: edgeq examples list.")]


def list_examples(form: opt.OutputFormat = opt.Format.text) -> None:
    """Every example: what it learns, and on which dataset."""
    from edgeq import api
    from edgeq.cli.console import show
    from edgeq.report.listings import examples_tables

    examples = api.list_examples()
    show(examples, lambda: examples_tables(examples), form)


def train_example(name: Name, out: opt.OutFile = None, data_root: opt.DataRoot = None) -> None:
    """Train an example's network on its dataset; the same seed gives the same weights."""
    from edgeq import api
    from edgeq.cli.console import Progress, say

    progress = Progress()
    try:
        path = api.train_example(name, out=out, data_root=data_root, on_progress=progress)
    finally:
        progress.close()
    say(f"wrote {path}")
