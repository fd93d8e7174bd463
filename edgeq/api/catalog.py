"""What there is: boards, ports, datasets, and what is installed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgeq.boards.drafts import Draft
    from edgeq.boards.profile import Board
    from edgeq.convert.recipes.recipe import Written
    from edgeq.core.installation import Installed
    from edgeq.data.catalog import Listed
    from edgeq.device.ports import SerialPort


def list_boards() -> tuple[Board, ...]:
    """Return every board: the user's own first, then the shipped ones."""
    from edgeq.boards import registry

    return registry.list_boards()


def find_board(board: str) -> Board:
    """Return the board with this id, or the one in this TOML file."""
    from edgeq.boards import registry

    return registry.find_board(board)


def check_boards(board: str | None = None) -> dict[str, tuple[str, ...]]:
    """Return the problems of one board or of all, by board id; empty tuples where it is sound."""
    from edgeq.boards import registry
    from edgeq.device.profiles import board_problems
    from edgeq.firmware.exports import EXPORTERS

    chosen = (registry.find_board(board),) if board else registry.list_boards()
    return {
        b.id: (*board_problems(b, exports=EXPORTERS), *registry.alias_problems(b)) for b in chosen
    }


def new_board(draft: Draft, *, out: Path | None = None) -> tuple[Board, Path]:
    """Write a profile like that of a known board, to `out` or into the user's folder."""
    from edgeq.boards.drafts import new_profile
    from edgeq.device.profiles import board_problems
    from edgeq.firmware.exports import EXPORTERS

    return new_profile(draft, out, lambda board: board_problems(board, exports=EXPORTERS))


def board_schema() -> dict[str, Any]:
    """Return the JSON Schema of a board profile."""
    from edgeq.boards import registry

    return registry.board_schema()


def list_ports() -> tuple[SerialPort, ...]:
    """Return the serial ports of this computer, and the boards that each may be."""
    from edgeq.device import ports

    return ports.list_ports(list_boards())


def doctor(board: str | None = None) -> tuple[Installed, ...]:
    """Return what is installed, what is missing, and the command that installs it.

    Args:
        board: only what this board needs to be built for, flashed and reached.
    """
    from edgeq.core.installation import check_installation

    if board is None:
        return check_installation()
    from edgeq.device.needs import check_needs
    from edgeq.firmware.toolchains import find_toolchain

    profile = find_board(board)
    built = (find_toolchain(profile).requirement,) if profile.build.template else ()
    return check_needs(profile, built)


def list_datasets(*, data_root: Path | None = None) -> tuple[Listed, ...]:
    """Return every dataset that edgeq knows, and whether its data are there."""
    from edgeq.data import catalog

    return catalog.list_datasets(data_root=data_root)


def find_dataset(dataset: str, *, data_root: Path | None = None) -> Listed:
    """Return the manifest of a dataset, and whether its data are there."""
    from edgeq.data import catalog

    return catalog.find_dataset(dataset, data_root=data_root)


def get_dataset(dataset: str) -> Path:
    """Download a dataset that lies at a URL (SHA-256 pinned) and return where it is."""
    from edgeq.data import catalog

    return catalog.fetch_dataset(dataset)


def list_recipes() -> tuple[Written, ...]:
    """Return the recipes that come with edgeq, sorted by name."""
    from edgeq.convert.recipes import recipe

    return recipe.list_recipes()


def find_recipe(recipe: str) -> Written:
    """Return the recipe with this name, or the one in this TOML file, and its text."""
    from edgeq.convert.recipes.recipe import find_recipe as find

    return find(recipe)
