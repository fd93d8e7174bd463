"""The Otii server's protocol: JSON objects over TCP, each ended by CR LF; one request at a time."""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from edgeq.core.errors import DeviceError, one_line
from edgeq.device.streams import Stream

REPLY_S = 5.0
DATA_S = 30.0
MAX_LINE = 32 << 20
T = TypeVar("T")
# Who logs in, where the Otii application has not: never part of a command line.
USER, PASSWORD = "OTII_USERNAME", "OTII_PASSWORD"
HINTS: Mapping[str, str] = {
    "Not logged in": f"log in in the Otii application, or set {USER} and {PASSWORD}",
    "Could not login": f"check {USER} and {PASSWORD}",
    "No license": "reserve an Automation Toolbox licence in the Otii application",
    "License could not be reserved": "another computer may hold the licence: give it back there",
    "Device not connected": "plug the Otii in again; does the Otii application see it?",
    "Invalid command": "the Otii application is older than this protocol: update it",
    "Project does not exist": "open or create a project in the Otii application",
}
HINT = "look at the Otii application; the server's port is 1905"


class Refused(DeviceError):
    """The server answered with an error; `code` is its word for it."""

    def __init__(self, code: str, command: str, detail: str) -> None:
        said = f": {detail}" if detail else ""
        super().__init__(
            f"the Otii server refuses '{command}': {code}{said}", hint=HINTS.get(code, HINT)
        )
        self.code = code


class Reply(msgspec.Struct):
    """A message of the server; what it is not needed for is not read."""

    type: str
    trans_id: str = ""
    errorcode: str = ""
    data: dict[str, Any] | None = None


class OtiiClient:
    """Requests to a server, each with its reply within a deadline."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._heard = bytearray()
        self._numbers = itertools.count(1)
        self._undo: list[tuple[str, Mapping[str, Any]]] = []

    def ask(self, command: str, shape: type[T], *, timeout_s: float = REPLY_S, **data: Any) -> T:
        """Send a request and return the data of its response as `shape`.

        Raises:
            Refused: the server answers with an error.
            DeviceError: no answer in time, one that is not understood, or the server is gone.
        """
        number = str(next(self._numbers))
        request = {"type": "request", "cmd": command, "data": data, "trans_id": number}
        self._stream.write(msgspec.json.encode(request) + b"\r\n")
        deadline = time.monotonic() + timeout_s
        while True:
            reply = self._read(command, deadline)
            if reply.trans_id != number or reply.type not in ("response", "error"):
                continue
            if reply.type == "error":
                raise Refused(one_line(reply.errorcode[:200]), command, _detail(reply.data))
            try:
                return msgspec.convert(reply.data or {}, shape)
            except msgspec.ValidationError as error:
                raise _strange(command, str(error)) from error

    def tell(self, command: str, **data: Any) -> None:
        """Send a request whose response holds nothing of interest."""
        self.ask(command, dict[str, Any], **data)

    def enter(self) -> None:
        """Log in and reserve a licence where the server wants it; `close` undoes both.

        Raises:
            DeviceError: nobody is named who could log in, or no licence is free.
        """
        for _ in range(3):
            try:
                self.ask("otii_get_active_project", dict[str, Any])
            except Refused as refused:
                if refused.code == "Not logged in" and os.environ.get(USER):
                    self.tell("otii_login", username=os.environ[USER],
                              password=os.environ.get(PASSWORD, ""))  # fmt: skip
                    self._undo.append(("otii_logout", {}))
                elif refused.code == "No license":
                    self._reserve(refused)
                else:
                    raise
            else:
                return
        raise DeviceError("the Otii server lets nobody in", hint=HINTS["Not logged in"])

    def close(self) -> None:
        """Give the licence back, log out and close the connection. May be called twice."""
        while self._undo:
            command, data = self._undo.pop()
            with contextlib.suppress(DeviceError):
                self.tell(command, **data)
        self._stream.close()

    def _reserve(self, refused: Refused) -> None:
        found = self.ask("otii_get_licenses", Licenses).licenses
        free = [item for item in found if item.available and not item.reserved_to]
        if not free:
            raise refused
        chosen = next((item for item in free if "utomation" in item.type), free[0])
        self.tell("otii_reserve_license", license_id=chosen.id)
        self._undo.append(("otii_return_license", {"license_id": chosen.id}))

    def _read(self, command: str, deadline: float) -> Reply:
        """Return the next message."""
        seen = 0
        while (end := self._heard.find(b"\r\n", max(0, seen - 1))) < 0:
            seen = len(self._heard)
            left = deadline - time.monotonic()
            if left <= 0:
                raise DeviceError(f"the Otii server does not answer '{command}'", hint=HINT)
            if seen > MAX_LINE:
                raise _strange(command, f"a line of more than {MAX_LINE:,} bytes")
            self._heard += self._stream.read(min(left, 0.5))
        line = bytes(self._heard[:end])
        del self._heard[: end + 2]
        try:
            return msgspec.json.decode(line, type=Reply)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _strange(command, str(error)) from error


class License(msgspec.Struct):
    """A licence of the user's."""

    id: int
    type: str = ""
    available: bool = True
    reserved_to: str = ""


class Licenses(msgspec.Struct):
    """The answer to otii_get_licenses."""

    licenses: list[License]


def _detail(data: Mapping[str, Any] | None) -> str:
    words = (f"{key} {value}" for key, value in (data or {}).items())
    return one_line(", ".join(words))[:300]


def _strange(command: str, why: str) -> DeviceError:
    return DeviceError(
        f"the Otii server's answer to '{command}' is not understood: {why[:200]}", hint=HINT
    )
