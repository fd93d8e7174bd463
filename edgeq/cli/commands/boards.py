"""edgeq boards list, show, check, ports, schema"""

from __future__ import annotations

from typing import Annotated

import typer

from edgeq.cli import options as opt

BoardRef = Annotated[str, typer.Argument(help="A board id, or the path of a board's TOML file.")]
OptionalBoardRef = Annotated[
    str | None, typer.Argument(help="A board id or file [default: every board].")
]


def list_boards(form: opt.OutputFormat = opt.Format.text) -> None:
    """Every board that edgeq knows: the user's own first, then the shipped ones."""
    from edgeq import api
    from edgeq.cli.console import show
    from edgeq.report.listings import boards_tables

    boards = api.list_boards()
    show(boards, lambda: boards_tables(boards), form)


def show_board(board: BoardRef, form: opt.OutputFormat = opt.Format.text) -> None:
    """One board: core, clock, memory map, link, power, and the source of each value."""
    from edgeq import api
    from edgeq.cli.console import show
    from edgeq.report.listings import board_tables

    profile = api.find_board(board)
    show(profile, lambda: board_tables(profile), form)


def check_boards(board: OptionalBoardRef = None, form: opt.OutputFormat = opt.Format.text) -> None:
    """Cross-check profiles: regions, template, flasher, sizes. Exit 1 on a problem."""
    from edgeq import api
    from edgeq.cli.console import show
    from edgeq.report.listings import check_tables

    problems = api.check_boards(board)
    show(problems, lambda: check_tables(problems), form)
    if any(problems.values()):
        raise typer.Exit(1)


def list_ports(form: opt.OutputFormat = opt.Format.text) -> None:
    """The serial ports of this computer, and which board each may be."""
    from edgeq import api
    from edgeq.cli.console import show
    from edgeq.report.listings import ports_tables

    ports = api.list_ports()
    show(ports, lambda: ports_tables(ports), form)


def show_schema() -> None:
    """The JSON Schema of a board profile, on stdout."""
    import sys

    from edgeq import api
    from edgeq.report.formats import to_json

    sys.stdout.write(to_json(api.board_schema()).decode())
