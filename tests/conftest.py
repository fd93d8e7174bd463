"""What tests of all rooms may ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.stalls import Stalls, watched_stalls


@pytest.fixture
def stalls() -> Iterator[Stalls]:
    """Watch for moments in which a busy computer did not let this process run."""
    with watched_stalls() as watch:
        yield watch
