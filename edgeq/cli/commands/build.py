"""edgeq build"""

from __future__ import annotations

from typing import Annotated

import typer

from edgeq.cli import options as opt


def build(
    model: opt.Int8Model,
    board: opt.Board,
    out: opt.OutFolder,
    toolchain: opt.Toolchain = None,
    traced: Annotated[bool, typer.Option(help="Report every layer over the link.")] = False,
    form: opt.OutputFormat = opt.Format.text,
) -> None:
    """Compile the model and link a whole firmware for a board."""
    from edgeq import api
    from edgeq.cli.console import say, show
    from edgeq.report.tables import image_tables

    image = api.build(model, board=board, out=out, toolchain=toolchain, traced=traced)
    show(image, lambda: image_tables(image), form)
    say(f"wrote {image.elf}")
