"""What flashing is made of: a job, the steps that do it, the method, the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from edgeq.boards.profile import Board
from edgeq.core.records import Record, RegionUse
from edgeq.device.elf import Segment

# Tools run in a folder of their own that holds the firmware under these names: no path of the
# user's reaches a tool's command language, and no file of the user's is taken for its settings.
ELF, BINARY, UF2, READ_BACK = "firmware.elf", "firmware.bin", "firmware.uf2", "read_back.bin"


class FlashReport(Record, frozen=True, kw_only=True):
    """What was written to which board, and how.

    `commands` are the exact commands, run in a folder that holds the firmware as firmware.elf
    and firmware.bin; `verified` says how the written bytes were checked.
    """

    board_id: str
    method: str
    dry_run: bool
    commands: tuple[str, ...]
    verified: str
    elf_sha256: str
    image_bytes: int
    regions: tuple[RegionUse, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Target:
    """Which of the connected boards is meant.

    `port` is its serial port, `serial_number` that of its USB device, '' where not known;
    `alone` says that no other board or probe is connected.
    """

    port: str = ""
    serial_number: str = ""
    alone: bool = True


@dataclass(frozen=True, slots=True)
class Job:
    """One firmware to flash, to which of the boards that are connected.

    `image` holds the segments' bytes from the lowest address on, gaps as in erased flash.
    """

    board: Board
    segments: tuple[Segment, ...]
    image: bytes
    target: Target = field(default_factory=Target)

    @property
    def start(self) -> int:
        """The lowest address that is written."""
        return self.segments[0].address

    @property
    def offset(self) -> int:
        """The same as an offset from the start of the board's flash."""
        return self.start - min(r.start for r in self.board.memory if r.kind == "flash")


@dataclass(frozen=True, slots=True)
class Step:
    """One command; it worked where it exits with 0 and says `success` (any case).

    A step with `read_back` writes flash into this file: the bytes decide, not what the tool says.
    """

    argv: tuple[str, ...]
    success: str = ""
    read_back: str = ""


@dataclass(frozen=True, slots=True)
class Flasher:
    """One method.

    Attributes:
        verified: how the written bytes are checked.
        requirement: the tool's row in core.installation.
        needs: what tells the board from others that are connected.
        target: the pattern of the profile's `flash.target`.
        options: what `flash.args` may hold, each with the pattern of its value ('' for none);
            the key '' stands for an argument without an option.
        steps: its commands; a method without any loads at the session's start.
        files: further files for the tool's folder.
        write: for methods that need no tool.
        app: for methods that flash what an SDK built.
    """

    name: str
    verified: str
    requirement: str = ""
    hint: str = ""
    needs: Literal["", "port", "probe", "dfu"] = ""
    target: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    steps: Callable[[Job], tuple[Step, ...]] | None = None
    files: Callable[[Job], Mapping[str, str]] | None = None
    write: Callable[[Job, bool], str] | None = None
    app: AppTool | None = None


@dataclass(frozen=True, slots=True)
class AppTool:
    """A build system's own flasher: it writes what it built in an application's folder.

    Attributes:
        export: the row of `edgeq export` that makes the library, and
        example: the folder of its example application, which is built and flashed.
        build: the command that builds it there.
        built: pattern, below the folder, of the one file that is checked before it is flashed.
        argv: the command, run in the folder.
        success: what it says (any case) once the board's bytes are checked, '' where it says
            nothing and its exit code alone tells.
    """

    export: str
    example: str
    build: Callable[[Board], str]
    built: str
    argv: Callable[[Board, Target], tuple[str, ...]]
    success: str = ""
