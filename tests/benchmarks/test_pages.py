"""Tables and owned sections of Markdown pages."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from tests.support.benchmarks import benchmark

pages = benchmark("pages")


def test_a_table_has_text_on_the_left_and_numbers_on_the_right(pages: ModuleType) -> None:
    assert pages.table(("model", "bytes"), [("kws", "1,000")]) == (
        "| model | bytes |\n| - | -: |\n| kws | 1,000 |"
    )


def test_a_section_is_written_anew_and_the_rest_of_the_page_stays(
    pages: ModuleType, tmp_path: Path
) -> None:
    path = tmp_path / "page.md"
    path.write_text("# Title\n\nBefore.\n")
    pages.write_section(path, "engine", "first")
    path.write_text(path.read_text() + "\nBehind.\n")
    pages.write_section(path, "engine", "second\n")
    assert path.read_text() == (
        "# Title\n\nBefore.\n\n<!-- begin engine -->\n\nsecond\n\n<!-- end engine -->\n\nBehind.\n"
    )


def test_a_page_may_have_several_sections(pages: ModuleType) -> None:
    page = pages.replace_section(pages.replace_section("", "a", "1"), "b", "2")
    assert pages.replace_section(page, "a", "3") == page.replace("1", "3")


def test_a_section_without_end_is_no_reason_to_lose_the_page(
    pages: ModuleType, tmp_path: Path
) -> None:
    path = tmp_path / "page.md"
    path.write_text("<!-- begin engine -->\nold")
    with pytest.raises(ValueError, match="engine of the page has no end"):
        pages.write_section(path, "engine", "new")
    assert path.read_text() == "<!-- begin engine -->\nold"
