"""Texts with a fault put in."""

from __future__ import annotations

from typing import AnyStr


def edited(text: AnyStr, old: AnyStr, new: AnyStr, count: int = -1) -> AnyStr:
    """Return `text` with `new` for every `old`, or the first `count`; there is at least one."""
    assert old in text, old
    return text.replace(old, new, count)
