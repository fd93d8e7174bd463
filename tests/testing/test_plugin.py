"""The pytest plugin in test runs of its own."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from xml.etree import ElementTree

import pytest

from edgeq.core.processes import run
from edgeq.graph.writer import write_graph
from tests.support.small_cnn import small_cnn

pytest_plugins = ("pytester",)

# Where edgeq is installed, its entry point loads the plugin.
INSTALLED = any(e.value == "edgeq.pytest_plugin" for e in entry_points(group="pytest11"))
ARGUMENTS = () if INSTALLED else ("-p", "edgeq.pytest_plugin")

SHOW = """
    def test_board(edge_board):
        print("board:", edge_board.id, edge_board.port)
"""

RERUN = """
    import pytest

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(item):
        report = yield
        report.rerun = item.name.count("again")  # as pytest-rerunfailures counts
        return report
"""


def _run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess(*ARGUMENTS, "-p", "no:randomly", *arguments)


@pytest.fixture
def model(pytester: pytest.Pytester) -> None:
    pytest.importorskip("ziglang")
    pytest.importorskip("unicorn")
    (pytester.path / "small.tflite").write_bytes(write_graph(small_cnn()))


def test_the_default_board_is_a_virtual_one(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SHOW)
    result = _run(pytester, "-s")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*board: virt-m4 None"])


@pytest.mark.parametrize(
    ("ini", "arguments", "marker", "board"),
    [
        ("virt-m0plus", [], "", "virt-m0plus"),
        ("virt-m0plus", ["--edge-board", "virt-m33"], "", "virt-m33"),
        ("virt-m0plus", ["--edge-board", "virt-m33"], "virt-m7", "virt-m7"),
    ],
)
def test_the_marker_goes_before_the_option_and_the_option_before_the_ini_file(
    pytester: pytest.Pytester, ini: str, arguments: list[str], marker: str, board: str
) -> None:
    pytester.makeini(f"[pytest]\nedge_board = {ini}\naddopts = --strict-markers\n")
    mark = f"\n    import pytest\n    pytestmark = pytest.mark.edge_board({marker!r})\n"
    pytester.makepyfile((mark if marker else "") + SHOW)
    result = _run(pytester, "-s", *arguments)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([f"*board: {board} None"])


def test_a_parameter_names_the_board_too(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest

        @pytest.mark.parametrize("edge_board", ["virt-m0plus", "virt-m33"], indirect=True)
        def test_board(edge_board, request):
            assert edge_board.id in request.node.name
    """)
    _run(pytester).assert_outcomes(passed=2)


def test_a_marker_without_a_board_is_refused(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest

        @pytest.mark.edge_board
        def test_board(edge_board):
            pass
    """)
    result = _run(pytester)
    assert result.ret != 0
    (result.stderr if result.ret == 4 else result.stdout).fnmatch_lines(["*takes one board*"])


@pytest.mark.usefixtures("model")
def test_assertions_pass_build_once_and_explain_their_failures(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest
        from msgspec import structs
        from edgeq.core.errors import UsageError
        from edgeq.testing import (
            assert_bit_exact, assert_faster_than, assert_fits, assert_within_energy,
        )
        from edgeq.report.formats import to_json

        MODEL = "small.tflite"

        def test_everything_holds(edge_board, tmp_path, monkeypatch):
            from edgeq.firmware import build
            builds, real = [], build.build_firmware
            def counted(*a, **k):
                builds.append(a)
                return real(*a, **k)
            monkeypatch.setattr(build, "build_firmware", counted)
            assert_fits(MODEL, board=edge_board, flash="64k", ram="16k")
            assert_faster_than(MODEL, "5ms", board=edge_board)
            baseline = tmp_path / "baseline.json"
            baseline.write_bytes(to_json(edge_board.result(MODEL)))
            assert_faster_than(MODEL, baseline, board=edge_board)
            assert_faster_than(MODEL, edge_board.result(MODEL), board=edge_board)
            assert_bit_exact(MODEL, board=edge_board, seeds=2)
            assert len(builds) == 1

        def test_too_large(edge_board):
            assert_fits(MODEL, board=edge_board, ram="1k")

        def test_too_slow(edge_board):
            assert_faster_than(MODEL, "10us", board=edge_board)

        def test_no_energy(edge_board):
            assert_within_energy(MODEL, "1pJ", board=edge_board)

        def test_another_board(edge_board):
            result = edge_board.result(MODEL)
            other = structs.replace(result.board, id="virt-m7")
            with pytest.raises(UsageError, match="another board"):
                assert_faster_than(MODEL, structs.replace(result, board=other), board=edge_board)
    """)
    result = _run(pytester)
    result.assert_outcomes(passed=2, failed=3)
    result.stdout.fnmatch_lines(
        [
            "*small.tflite does not fit virt-m4 (estimated)*",
            "*ram is * short: needs about * of 1.0 KiB*",
            "*largest tensors at the peak:*",
            "*hint: edgeq fit small.tflite --board virt-m4",
            "*AssertionError: small.tflite on virt-m4*",
            "*latency: * us (estimated) is * times the limit of 10 us*",
            "*energy: *limit*",
        ]
    )


def test_boards_work_in_the_workers_of_xdist_and_stand_in_junits_xml(
    pytester: pytest.Pytester,
) -> None:
    pytest.importorskip("xdist")
    pytester.makepyfile("""
        import os
        import pytest

        @pytest.mark.parametrize("edge_board", ["virt-m0plus", "virt-m4"], indirect=True)
        def test_board(edge_board, request):
            assert os.environ["PYTEST_XDIST_WORKER"]
            group = request.node.get_closest_marker("xdist_group")
            assert group.args == (f"edge-board-{edge_board.id}",)  # one worker a board
    """)
    result = pytester.runpytest_subprocess(
        *ARGUMENTS, "-n", "2", "--dist", "loadgroup", "--junit-xml", "junit.xml"
    )
    result.assert_outcomes(passed=2)
    cases = ElementTree.parse(pytester.path / "junit.xml").iter("testcase")
    found = {p.get("value") for case in cases for p in case.iter("property")}
    assert found == {"virt-m0plus", "virt-m4"}


def test_a_pass_at_the_second_try_is_flaky_and_no_success(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(RERUN)
    pytester.makepyfile("""
        def test_board_again(edge_board):
            pass

        def test_board(edge_board):
            pass

        def test_something_else_again():
            pass
    """)
    result = _run(pytester)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["*flaky on a board*", "FLAKY *::test_board_again (try 2)", "*2 passed*1 flaky*"]
    )


def test_with_pytest_rerunfailures_itself(pytester: pytest.Pytester) -> None:
    pytest.importorskip("pytest_rerunfailures")
    pytester.makepyfile("""
        tries = []

        def test_board(edge_board):
            tries.append(1)
            assert len(tries) > 1
    """)
    result = _run(pytester, "--reruns", "2")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FLAKY *::test_board (try 2)"])


def test_loading_the_plugin_imports_nothing_heavy() -> None:
    code = (
        "import sys, edgeq.pytest_plugin\n"
        "print(sorted({'numpy', 'typer', 'rich', 'msgspec', 'serial', 'tensorflow', 'jinja2'}"
        " & sys.modules.keys()))"
    )
    assert run([sys.executable, "-c", code], timeout_s=60).stdout.strip() == "[]"
