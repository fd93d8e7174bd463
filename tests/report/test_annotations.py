"""Verdicts for CI services: no text can leave its place, and the XML is well-formed."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from edgeq.core.records import CheckedResult, CheckRecord, GateRecord
from edgeq.report.annotations import to_github, to_junit

# Attributes in junit-10.xsd (Jenkins' xUnit plugin) for what is written, and those it requires.
KNOWN = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "group", "time", "skipped", "timestamp",
                  "hostname", "id", "package", "file", "log", "url"},
    "testcase": {"name", "time", "classname", "group"},
    "failure": {"type", "message"},
    "skipped": {"type", "message"},
    "system-out": set(),
}  # fmt: skip
REQUIRED = {"testsuite": {"name", "tests", "failures", "errors"}, "testcase": {"name"}}
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"testcase"},
    "testcase": {"failure", "skipped", "system-out"},
}

HOSTILE = "evil%\r\n::error::stop<>&\"' \x1b[31m\x00\ud800]]>"


def _gate(**fields: object) -> GateRecord:
    values = {"gate": "latency", "verdict": "holds", "passed": True, "text": "fine"}
    return GateRecord(**{**values, **fields})  # type: ignore[arg-type]


def _record(*gates: GateRecord, model: str = "kws") -> CheckRecord:
    result = CheckedResult(
        file="result.json", model=model, board="virt-m4", engine="aot", gates=gates
    )
    return CheckRecord(passed=result.passed, results=(result,))


FAILED = _gate(verdict="regression", passed=False, text="+5 %, more than 3 %")
UNKNOWN = _gate(gate="energy", verdict="cannot tell", text="too few runs")


def test_a_failed_gate_is_an_error_and_its_percent_signs_are_escaped() -> None:
    assert to_github(_record(FAILED)) == (
        "::error title=edgeq%3A latency of kws on virt-m4::+5 %25, more than 3 %25\n"
    )


def test_what_cannot_be_told_is_a_warning_and_success_one_notice() -> None:
    lines = to_github(_record(_gate(), UNKNOWN)).splitlines()
    assert lines == [
        "::warning title=edgeq%3A energy of kws on virt-m4::too few runs",
        "::notice title=edgeq::all 2 gates passed",
    ]


@given(st.text(), st.text())
def test_no_name_or_text_starts_another_command(model: str, text: str) -> None:
    failed = _gate(passed=False, verdict="exceeds", text=text)
    out = to_github(_record(failed, model=model))
    assert out.count("\n") == 1
    found = re.fullmatch(r"::error title=([^,:\r\n]*)::[^\r\n]*\n", out)
    assert found
    assert not re.search(r"%(?!25|0A|0D|3A|2C)", found[1])


def _check_element(element: ElementTree.Element) -> None:
    assert set(element.keys()) <= KNOWN[element.tag]
    assert REQUIRED.get(element.tag, set()) <= set(element.keys())
    for child in element:
        assert child.tag in CHILDREN[element.tag]
        _check_element(child)


@given(st.text(), st.text())
def test_any_text_gives_well_formed_junit(model: str, text: str) -> None:
    gates = (_gate(text=text), _gate(passed=False, verdict="exceeds", text=text), UNKNOWN)
    _check_element(ElementTree.fromstring(to_junit(_record(*gates, model=model)).encode()))


def test_junit_counts_and_places_every_verdict() -> None:
    root = ElementTree.fromstring(to_junit(_record(_gate(), FAILED, UNKNOWN)).encode())
    (suite,) = root
    for element in (root, suite):
        assert element.get("tests") == "3"
        assert element.get("failures") == "1"
    assert suite.get("skipped") == "1"
    held, failed, unknown = suite
    assert [c.get("name") for c in suite] == ["latency", "latency against the baseline", "energy"]
    assert held.find("failure") is None
    assert failed.find("failure").get("message") == "+5 %, more than 3 %"  # type: ignore[union-attr]
    assert unknown.find("skipped") is not None


def test_hostile_text_stays_text() -> None:
    record = _record(_gate(passed=False, verdict="exceeds", text=HOSTILE), model=HOSTILE)
    root = ElementTree.fromstring(to_junit(record).encode())
    message = root[0][0][0].get("message")
    assert message is not None
    assert "<>&" in message
    assert "\x1b" not in message
    assert to_github(record).count("::error") == 2  # the command, and the text in its message
