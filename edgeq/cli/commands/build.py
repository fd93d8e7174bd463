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
    optimize: opt.Optimize = opt.GoalName.balanced,
    no_pass: opt.NoPass = None,
    ram: opt.RamBudget = None,
    flash: opt.FlashBudget = None,
    traced: Annotated[bool, typer.Option(help="Report every layer over the link.")] = False,
    protocol: opt.Protocol = opt.ProtocolName.edgeq,
    mode: opt.Mode = opt.ModeName.performance,
    mlperf_model: opt.MlperfModel = None,
    mlperf_vendor: opt.MlperfVendor = "edgeq",
    form: opt.OutputFormat = opt.Format.text,
) -> None:
    """Compile the model and link a whole firmware for a board."""
    from edgeq import api
    from edgeq.cli.console import say, show
    from edgeq.report.tables import image_tables

    spoken = api.ProtocolRecord(
        name=protocol.value, mode=mode.value, model=mlperf_model, vendor=mlperf_vendor
    )
    image = api.build(
        model,
        board=board,
        out=out,
        toolchain=toolchain,
        traced=traced,
        protocol=spoken,
        options=opt.compile_options(optimize, no_pass, ram, flash),
    )
    show(image, lambda: image_tables(image), form)
    say(f"wrote {image.elf}")
