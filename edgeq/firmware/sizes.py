"""Size accounting: what the model costs, read from the linked ELF."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from edgeq.boards.profile import Board, Memory
from edgeq.core.errors import ToolchainError
from edgeq.core.records import Plan, RegionUse, SizeRecord

if TYPE_CHECKING:
    from elftools.elf.elffile import ELFFile

# sh_flags, ELF specification 1.2, figure 1-11
WRITABLE, ALLOCATED, EXECUTABLE = 0x1, 0x2, 0x4
# Tables of pointers: constants that the loader of a position-independent program writes once.
RELOCATED_CONSTANTS = ".data.rel.ro"


class ModelBytes(NamedTuple):
    """What the model and its kernels take, in bytes."""

    code: int
    constants: int
    data: int
    zeroed: int


class Piece(NamedTuple):
    """Bytes of an image at an address."""

    address: int
    size: int


def measure_image(
    elf: Path, objects: Path, plan: Plan, board: Board
) -> tuple[SizeRecord, tuple[RegionUse, ...]]:
    """Return the sizes of a linked firmware, and how full each memory region of `board` is.

    A bare-metal image is read by the symbols of its linker script. A native one has no linker
    script of ours: there the model's object files below `objects`/model are added up.

    Raises:
        ToolchainError: a file is no ELF, or not one of our linker script.
    """
    with _opened(elf) as image:
        loaded, in_ram = loaded_pieces(image), list(_ram_pieces(image))
        model = _from_symbols(image) if board.memory else _from_objects(objects / "model")
    sizes = _size_record(model, plan, sum(piece.size for piece in loaded))
    return sizes, tuple(
        _use(region, loaded if region.kind == "flash" else in_ram) for region in board.memory
    )


def measure_library(objects: Path, plan: Plan) -> SizeRecord:
    """Return the sizes of the model's object files below `objects`/model.

    Raises:
        ToolchainError: a file is no ELF.
    """
    model = _from_objects(objects / "model")
    return _size_record(model, plan, model.code + model.constants + model.data)


def _size_record(model: ModelBytes, plan: Plan, image_bytes: int) -> SizeRecord:
    return SizeRecord(
        flash_bytes=model.code + model.constants + model.data,
        code_bytes=model.code,
        constant_bytes=model.constants + model.data,
        static_bytes=model.data + model.zeroed - plan.arena_bytes,
        arena_bytes=plan.arena_bytes,
        image_bytes=image_bytes,
    )


def loaded_pieces(image: ELFFile) -> list[Piece]:
    """Return what a loader or flasher writes: the bytes in the file of each PT_LOAD segment."""
    return [
        Piece(segment["p_paddr"], segment["p_filesz"])
        for segment in image.iter_segments("PT_LOAD")
        if segment["p_filesz"] > 0
    ]


def _ram_pieces(image: ELFFile) -> Iterator[Piece]:
    for section in image.iter_sections():
        # The stack is reserved by the linker script alone: no object file makes it writable.
        writable = section["sh_flags"] & WRITABLE or section["sh_type"] == "SHT_NOBITS"
        if section["sh_flags"] & ALLOCATED and writable:
            yield Piece(section["sh_addr"], section["sh_size"])


def _use(region: Memory, pieces: list[Piece]) -> RegionUse:
    end = region.start + region.size
    used = sum(p.size for p in pieces if region.start <= p.address < end)
    return RegionUse(region=region.name, start=region.start, size=region.size, used=used)


def _from_symbols(image: ELFFile) -> ModelBytes:
    from elftools.elf.sections import SymbolTableSection

    table = image.get_section_by_name(".symtab")
    symbols = table.iter_symbols() if isinstance(table, SymbolTableSection) else ()
    values = {s.name: s["st_value"] for s in symbols}

    def between(name: str) -> int:
        start, end = values.get(f"model_{name}_start"), values.get(f"model_{name}_end")
        if start is None or end is None:
            raise ToolchainError(
                f"the image has no symbols model_{name}_start and model_{name}_end",
                hint="the linker script of the board's template must set them",
            )
        return int(end - start)

    return ModelBytes(between("code"), between("constants"), between("data"), between("bss"))


def _from_objects(folder: Path) -> ModelBytes:
    code = constants = data = zeroed = 0
    for path in sorted(folder.glob("*.o")):
        with _opened(path) as image:
            for section in image.iter_sections():
                flags, size = section["sh_flags"], section["sh_size"]
                if not flags & ALLOCATED:
                    continue
                if flags & EXECUTABLE:
                    code += size
                elif not flags & WRITABLE or section.name.startswith(RELOCATED_CONSTANTS):
                    constants += size
                elif section["sh_type"] == "SHT_NOBITS":
                    zeroed += size
                else:
                    data += size
    return ModelBytes(code, constants, data, zeroed)


@contextmanager
def _opened(path: Path) -> Iterator[ELFFile]:
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    try:
        with path.open("rb") as file:
            yield ELFFile(file)
    except (ELFError, OSError) as error:
        raise ToolchainError(
            f"cannot read {path.name} as ELF: {error}", hint="try another --toolchain"
        ) from error
