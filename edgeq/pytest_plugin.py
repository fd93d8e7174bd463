"""edgeq's pytest plugin: the fixture `edge_board`, and boards that answer only the second time.

The board is the marker's (`@pytest.mark.edge_board("virt-m0plus")`), else the parameter's (indirect
parametrisation), else `--edge-board`, else the ini option `edge_board`, else virt-m4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from edgeq.testing import EdgeBoard

FIXTURE = "edge_board"
DEFAULT_BOARD = "virt-m4"

_boards_key = pytest.StashKey[dict[str, "EdgeBoard"]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --edge-board, --edge-port, --edge-meter and --edge-toolchain, and their ini options."""
    group = parser.getgroup("edgeq", "models on boards (edgeq)")
    for name, words in {
        "board": f"the board of the fixture edge_board [default: {DEFAULT_BOARD}]",
        "port": "the serial port or socket:// address of that board",
        "meter": "the meter that measures its energy, as edgeq bench --meter names it",
        "toolchain": "what builds its firmware: zig, gcc-arm, gcc or clang",
    }.items():
        group.addoption(f"--edge-{name}", help=words)
        parser.addini(f"edge_{name}", help=words)


def pytest_configure(config: pytest.Config) -> None:
    """Say what the marker is for."""
    config.addinivalue_line("markers", "edge_board(name): run on this board (edgeq)")
    config.stash[_boards_key] = {}


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Keep tests of one board in one worker of pytest-xdist, where --dist loadgroup is given."""
    for item in items:
        if FIXTURE in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group(f"edge-board-{_board_name(item)}"))


@pytest.fixture
def edge_board(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> EdgeBoard:
    """The board under test: bench, validate and fit give edgeq's records.

    It lives as long as the session, with the firmware that it built.
    """
    from edgeq.testing import EdgeBoard

    name = _board_name(request.node)
    request.node.user_properties.append((FIXTURE, name))  # shown by JUnit's XML
    boards = request.config.stash[_boards_key]
    if name not in boards:
        boards[name] = EdgeBoard(
            name,
            tmp_path_factory.mktemp("edge-board"),
            port=_option(request.config, "port"),
            meter=_option(request.config, "meter"),
            toolchain=_option(request.config, "toolchain"),
        )
    return boards[name]


def _board_name(item: Any) -> str:
    marker = item.get_closest_marker(FIXTURE)
    if marker is not None:
        if len(marker.args) != 1 or not isinstance(marker.args[0], str):
            raise pytest.UsageError("the marker edge_board takes one board: edge_board('virt-m4')")
        return str(marker.args[0])
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    return str(parameters.get(FIXTURE) or _option(item.config, "board") or DEFAULT_BOARD)


def _option(config: pytest.Config, name: str) -> str | None:
    return config.getoption(f"edge_{name}") or config.getini(f"edge_{name}") or None


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(
    report: pytest.CollectReport | pytest.TestReport,
) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
    """Call a test of a board that passed after pytest-rerunfailures ran it again flaky."""
    if not _passed_again(report):
        return None
    return "flaky", "y", ("FLAKY", {"yellow": True})


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """List the flaky tests."""
    flaky = terminalreporter.stats.get("flaky", [])
    if flaky:
        terminalreporter.section("flaky on a board: passed, but not at the first try")
        for report in flaky:
            terminalreporter.line(f"FLAKY {report.nodeid} (try {report.rerun + 1})")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """End with 1 where a test of a board was flaky: a retried pass is not green."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and exitstatus == 0 and reporter.stats.get("flaky"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _passed_again(report: Any) -> bool:
    """Whether pytest-rerunfailures, which counts in `rerun`, needed more than one try."""
    again = report.when == "call" and report.passed and getattr(report, "rerun", 0) > 0
    return again and any(name == FIXTURE for name, _ in report.user_properties)
