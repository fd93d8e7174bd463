"""Rules that were applied, and the names that a submission gives to models and runs."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from edgeq.bench.mlperf.tasks import TASKS, Task
from edgeq.core.errors import one_line
from edgeq.core.records.mlperf import RuleRecord

MODES = ("accuracy", "performance", "energy")


@dataclass
class Rules:
    """Collects what was found below `root`."""

    root: Path
    found: list[RuleRecord] = field(default_factory=list)

    def add(self, place: Path, rule: str, passed: bool, found: str) -> None:
        """Keep whether a rule holds at a place."""
        self.found.append(
            RuleRecord(
                where=self.name(place), rule=rule, passed=passed, found=one_line(found)[:200]
            )
        )

    def name(self, place: Path) -> str:
        """Return a place as a path below the root, '.' for the root itself."""
        return os.path.relpath(place, self.root)

    @staticmethod
    def folders(place: Path) -> list[str]:
        """Return the names of the folders in a place, sorted; none where it is no folder."""
        if not os.path.isdir(place):
            return []
        with os.scandir(place) as entries:
            return sorted(e.name for e in entries if e.is_dir(follow_symlinks=False))


def task_of(folder: str) -> Task | None:
    """Return the task that a submission calls `folder`, None where there is none."""
    return next((task for task in TASKS.values() if task.folder == folder), None)
