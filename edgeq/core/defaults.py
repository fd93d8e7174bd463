"""Defaults that several rooms share: what a command, a function and a manifest mean by nothing."""

from __future__ import annotations

from typing import Final

BACKEND: Final = "edgeq"  # the quantiser, among those of convert/conversion.py
