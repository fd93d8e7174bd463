"""The table of flashers: one row a method, with what a profile may say to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from re import fullmatch

from edgeq.boards.profile import Board
from edgeq.core.errors import InputError, did_you_mean
from edgeq.device.flashing import apps, tools
from edgeq.device.flashing.records import Flasher

# Board files come from others: only these words reach a tool, never a path or a command of theirs.
_WORD = r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}"
_SCRIPT = r"(?:interface|target|board)/(?:[A-Za-z0-9_-]+/)*[A-Za-z0-9_.+-]+\.cfg"
_TCL = rf"transport select {_WORD}|adapter speed \d{{1,6}}|set [A-Z_]{{1,32}} {_WORD}"
_NUMBER = r"\d{1,9}"
_USB_ID = r"[0-9a-f]{4}:[0-9a-f]{4}"
_LOADED = "read back from the ELF when a session starts"
_PROBE = "is the probe connected, and the board powered? (its target is in the profile's [flash])"
_RESET_TWICE = "press the board's reset button twice: its boot loader must be running"

FLASHERS: Mapping[str, Flasher] = {
    row.name: row
    for row in (
        Flasher("unicorn", _LOADED, "unicorn", target=_WORD),
        Flasher(
            "qemu", _LOADED, "qemu-system-arm", target=_WORD,
            options={"-cpu": rf"{_WORD}(?:,{_WORD}=?{_WORD})*", "-m": r"\d{1,6}[KMG]?",
                     "-smp": _NUMBER, "-bios": "none"},
        ),
        Flasher("host", _LOADED),
        Flasher(
            "pyocd", "read back and compared through pyOCD", "pyocd", _PROBE, "probe",
            target=_WORD, options={"--frequency": _NUMBER, "--connect": r"[a-z-]{4,16}"},
            steps=tools.pyocd,
        ),
        Flasher(
            "openocd", "verified by openocd", "openocd", _PROBE, "probe",
            target=_SCRIPT, options={"-f": _SCRIPT, "-c": _TCL}, steps=tools.openocd,
        ),
        Flasher(
            "jlink", "compared by J-Link Commander", "JLinkExe", _PROBE, "probe",
            target=_WORD, steps=tools.jlink, files=tools.jlink_files,
        ),
        Flasher(
            "esptool", "hashed by the chip, twice (esptool)", "esptool",
            "hold BOOT while the board resets: its boot loader must be running", "port",
            target=r"esp[a-z0-9]{2,12}",
            options={"--flash-mode": "[a-z]{3,4}", "--flash-freq": r"\d{1,3}m",
                     "--flash-size": r"\d{1,3}MB|detect|keep"},
            steps=tools.esptool,
        ),
        Flasher(
            "stm32loader", "read back by stm32loader", "stm32loader",
            "set BOOT0 high and reset: the boot loader in ROM must be running", "port",
            target=r"[A-Z][A-Z0-9]{1,5}",
            options={"--swap-rts-dtr": "", "--reset-active-high": "", "--boot0-active-low": "",
                     "--baud": _NUMBER, "--parity": "even|none"},
            steps=tools.stm32loader,
        ),
        Flasher(
            "dfu-util", "read back with dfu-util and compared", "dfu-util",
            "set BOOT0 high and reset: the USB boot loader must be running", "dfu",
            target=_USB_ID, steps=tools.dfu_util,
        ),
        Flasher(
            "bossac", "verified by bossac", "bossac", _RESET_TWICE, "port",
            options={"--usb-port": "[01]"}, steps=tools.bossac,
        ),
        Flasher(
            "uf2", "by the boot loader, which starts only what it has whole",
            target=r"[A-Za-z0-9 ._-]{1,64}", options={"": r"0x[0-9a-fA-F]{1,8}"}, write=tools.uf2,
        ),
        Flasher(
            "west", "by the runner that the Zephyr board names", "west", _PROBE, "probe",
            target=r"[a-z0-9_]{1,48}(?:[@/][A-Za-z0-9_.]{1,32}){0,4}", app=apps.WEST,
        ),
        Flasher(
            "idf.py", "hashed by the chip (esptool)", "idf.py",
            "hold BOOT while the board resets: its boot loader must be running", "port",
            target=r"esp[a-z0-9]{2,12}", app=apps.IDF,
        ),
        Flasher(
            "arduino-cli", "by the uploader of the Arduino core (--verify)", "arduino-cli",
            _RESET_TWICE, "port",
            target=r"[A-Za-z0-9_-]{1,32}(?::[A-Za-z0-9_.-]{1,48}){2}(?::[A-Za-z0-9_.,=-]{1,99})?",
            app=apps.ARDUINO,
        ),
    )
}  # fmt: skip

# What profiles of boards say that edgeq does not flash: Linux ones, and those of a maker's tool.
NOT_FLASHED = Flasher("none", "not flashed by edgeq")


def find_flasher(board: Board) -> Flasher:
    """Return the row that the board's profile names.

    Raises:
        InputError: there is no such row, or the profile says to it what it may not.
    """
    method = board.flash.method
    if method == NOT_FLASHED.name:
        return NOT_FLASHED
    if method not in FLASHERS:
        raise InputError(
            f"board '{board.id}': flash.method: no flasher {method!r}."
            f"{did_you_mean(method, FLASHERS)}",
            hint=f"choose one of: {', '.join(FLASHERS)}",
        )
    for problem in flash_problems(board):
        raise InputError(f"board '{board.id}': {problem}", hint="correct the profile's [flash]")
    return FLASHERS[method]


def flash_problems(board: Board) -> Iterator[str]:
    """Yield what `flash.target` and `flash.args` say that their method does not take."""
    row = FLASHERS.get(board.flash.method)
    if row is None:
        return
    if not fullmatch(row.target, board.flash.target):
        yield f"flash.target: {board.flash.target!r} is nothing that {row.name} takes"
    words = iter(board.flash.args)
    for word in words:
        option, joined, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if not word.startswith("-"):
            option, value = "", word
        pattern = row.options.get(option)
        if pattern and option and not joined:
            value = next(words, "")
        if pattern is None or not fullmatch(pattern, value):
            said = f"{word} {value}" if option and value and not joined else word
            yield f"flash.args: {said!r} is nothing that {row.name} takes"
