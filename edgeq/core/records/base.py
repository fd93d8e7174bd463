"""The base of all records, and the words that say what a number is."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["measured", "simulated", "estimated"]
BoardKind = Literal["mcu", "virtual", "linux"]


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all records: immutable, keyword-only, strict when decoded."""
