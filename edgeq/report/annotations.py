"""The verdicts of `edgeq check` for CI services: GitHub's workflow commands and JUnit's XML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from xml.etree import ElementTree

from edgeq.core.errors import one_line
from edgeq.core.records import CheckedResult, CheckRecord, GateRecord

# "Workflow commands for GitHub Actions": what a message and a property may not hold as they are.
_MESSAGE = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = _MESSAGE | str.maketrans({":": "%3A", ",": "%2C"})


def to_github(record: CheckRecord) -> str:
    """Return one workflow command a line: an error for each gate that failed, a warning for each
    that cannot tell, a notice for each improvement, and one notice where every gate passed.

    GitHub shows the first ten of each kind in a step.
    """
    lines = [
        _command(level, f"edgeq: {gate.gate} of {result.model} on {result.board}", gate.text)
        for result in record.results
        for gate in result.gates
        if (level := _level(gate)) is not None
    ]
    if record.passed:
        count = sum(len(result.gates) for result in record.results)
        lines.append(_command("notice", "edgeq", f"all {count} gates passed"))
    return "".join(f"{line}\n" for line in lines)


def _level(gate: GateRecord) -> str | None:
    if not gate.passed:
        return "error"
    return {"cannot tell": "warning", "allowed": "warning", "improvement": "notice"}.get(
        gate.verdict
    )


def _command(level: str, title: str, message: str) -> str:
    return f"::{level} title={_escape(title, _PROPERTY)}::{_escape(message, _MESSAGE)}"


def _escape(text: str, table: Mapping[int, str]) -> str:
    return one_line(text).translate(table)


def to_junit(record: CheckRecord) -> str:
    """Return JUnit's XML: a suite for each result, a case for each gate.

    Elements and attributes are those of junit-10.xsd (Jenkins' xUnit plugin). What cannot be
    told is skipped, not passed.
    """
    suites = [_suite(result) for result in record.results]
    totals = _totals(record.results)
    del totals["skipped"]  # which that schema knows of suites alone
    root = ElementTree.Element("testsuites", totals, name="edgeq check")
    root.extend(suites)
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _suite(result: CheckedResult) -> ElementTree.Element:
    name = one_line(f"{result.model} on {result.board} ({result.engine})")
    suite = ElementTree.Element("testsuite", _totals((result,)), name=name)
    suite.extend(_cases(result))
    return suite


def _cases(result: CheckedResult) -> Iterator[ElementTree.Element]:
    owner = one_line(f"edgeq.{result.board}.{result.model}")
    for number, gate in enumerate(result.gates):
        twice = any(g.gate == gate.gate for g in result.gates[:number])
        name = f"{gate.gate} against the baseline" if twice else gate.gate
        case = ElementTree.Element("testcase", classname=owner, name=name, time="0")
        text = one_line(gate.text)
        if not gate.passed:
            ElementTree.SubElement(case, "failure", message=text, type=gate.verdict)
        elif gate.verdict == "cannot tell":
            ElementTree.SubElement(case, "skipped", message=text)
        else:
            ElementTree.SubElement(case, "system-out").text = f"{gate.verdict}: {text}"
        yield case


def _totals(results: tuple[CheckedResult, ...]) -> dict[str, str]:
    gates = [gate for result in results for gate in result.gates]
    skipped = sum(gate.passed and gate.verdict == "cannot tell" for gate in gates)
    failed = sum(not gate.passed for gate in gates)
    return {
        "tests": str(len(gates)),
        "failures": str(failed),
        "errors": "0",
        "skipped": str(skipped),
        "time": "0",
    }
