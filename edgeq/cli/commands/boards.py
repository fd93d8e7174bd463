"""edgeq boards list, show, check, new, ports, serve, schema"""

from __future__ import annotations

import contextlib
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeq.cli import options as opt

if TYPE_CHECKING:
    from edgeq.boards.drafts import Draft

BoardRef = Annotated[str, typer.Argument(help="A board id, or the path of a board's TOML file.")]
OptionalBoardRef = Annotated[
    str | None, typer.Argument(help="A board id or file [default: every board].")
]


NewId = Annotated[str, typer.Argument(help="The new board's id: my-board.", show_default=False)]
Like = Annotated[str | None, typer.Option(help="The board it is most like: its id or file.")]
FullName = Annotated[str | None, typer.Option("--name", help="The board's full name.")]
ClockHz = Annotated[int | None, typer.Option(help="The clock of the core in Hz.")]
FlashSpan = Annotated[str | None, typer.Option("--flash", help="Its flash: 512K@0x08000000.")]
RamSpan = Annotated[str | None, typer.Option("--ram", help="Its RAM: 128K@0x20000000.")]
UsbIds = Annotated[
    list[str] | None, typer.Option("--usb-id", help="A USB id, e.g. 0483:374b; may be repeated.")
]
Firmware = Annotated[
    Path, typer.Option(help="A firmware.elf of `edgeq build`.", show_default=False)
]
Tcp = Annotated[int | None, typer.Option(min=0, max=65535, help="Serve it at this TCP port.")]


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
    from edgeq.report.listings import problem_tables

    problems = api.check_boards(board)
    show(problems, lambda: problem_tables(problems), form)
    if any(problems.values()):
        raise typer.Exit(1)


def new_board(
    board: NewId,
    like: Like = None,
    name: FullName = None,
    clock_hz: ClockHz = None,
    flash: FlashSpan = None,
    ram: RamSpan = None,
    usb_id: UsbIds = None,
    out: opt.OutFile = None,
) -> None:
    """Write a profile of your own, like another board's; on a terminal, asks what is not said."""
    from edgeq import api
    from edgeq.boards.drafts import Draft
    from edgeq.cli.console import say

    draft = Draft(
        id=board, like=like or "", name=name, clock_hz=clock_hz, flash=flash, ram=ram,
        usb_ids=tuple(usb_id) if usb_id else None,
    )  # fmt: skip
    profile, path = api.new_board(_ask(draft) if sys.stdin.isatty() else draft, out=out)
    say(f"wrote {path}")
    say(f"next: read every value in the data sheet, then edgeq boards check {out or profile.id}")


def _ask(draft: Draft) -> Draft:
    """Ask for what the draft does not say; an empty answer leaves it as in the board it is like."""
    from edgeq import api
    from edgeq.boards import registry
    from edgeq.boards.drafts import Draft, format_span

    registry.check_id(draft.id, what="id")
    like = draft.like or typer.prompt("Which board is it most like (edgeq boards list)", err=True)
    known = api.find_board(like)

    def answer(given: str | None, question: str, default: str) -> str | None:
        said = given or typer.prompt(question, default=default, err=True)
        return said if said != default else None

    hz = draft.clock_hz or typer.prompt("Clock in Hz", default=known.clock_hz, type=int, err=True)
    ids = " ".join(draft.usb_ids or ())
    return Draft(
        id=draft.id,
        like=like,
        name=answer(draft.name, "Its name", draft.id),
        clock_hz=hz if hz != known.clock_hz else None,
        flash=answer(draft.flash, "Flash", format_span(known, known.build.code_region)),
        ram=answer(draft.ram, "RAM", format_span(known, known.build.data_region)),
        usb_ids=tuple(said.split())
        if (said := answer(ids, "USB ids", " ".join(known.link.usb_ids)))
        else None,
    )


def list_ports(form: opt.OutputFormat = opt.Format.text) -> None:
    """The serial ports of this computer, and which board each may be."""
    from edgeq import api
    from edgeq.cli.console import show
    from edgeq.report.listings import ports_tables

    ports = api.list_ports()
    show(ports, lambda: ports_tables(ports), form)


def serve_board(
    board: BoardRef,
    firmware: Firmware,
    tcp: Tcp = None,
    pty: Annotated[bool, typer.Option(help="Serve it at a pseudo-terminal.")] = False,
    edges: Annotated[bool, typer.Option(help="Print each edge of its gate as JSON.")] = False,
) -> None:
    """Run a firmware on a board of this computer, at a port that any program can open."""
    from edgeq import api
    from edgeq.core.errors import UsageError
    from edgeq.report.formats import to_line

    if (tcp is None) != pty:
        raise UsageError("where is it to be served?", hint="--pty, or --tcp PORT (0 for any)")
    # The board's process must not stay behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        api.serve_board(
            firmware, board=board, tcp=tcp,
            on_ready=lambda port: print(port, flush=True),
            on_edge=(lambda edge: print(to_line(edge), flush=True)) if edges else None,
        )  # fmt: skip


def show_schema() -> None:
    """The JSON Schema of a board profile, on stdout."""
    import sys

    from edgeq import api
    from edgeq.report.formats import to_json

    sys.stdout.write(to_json(api.board_schema()).decode())
