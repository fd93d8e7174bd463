"""Regular expressions of recipes: plain ones are read, those that may take for ever are not."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.convert.patterns import MAX_PATTERN, pattern_problem

FINE = [".*", "conv_[0-9]+", "conv.*|dense_?1", "(?:block|stage)_2/.*", "(?i)Conv2D", "a{3}", ""]
REFUSED = [
    ("(a+)+b", "repeats a group"),
    ("(?:a|a)*b", "repeats a group"),
    (".*.*.*.*b", "behind one another"),
    ("a?" * 9, "behind one another"),
    ("(a|aa)" * 9, "behind one another"),
    ("(?:a|aa){30}b", "behind one another"),
    ("(.{0,90}){4}b", "behind one another"),
    (r"(a)\1", "looks around or back"),
    ("(?=a)a", "looks around or back"),
    ("[", "no regular expression"),
    ("a" * (MAX_PATTERN + 1), "characters"),
]


@pytest.mark.parametrize("pattern", FINE)
def test_plain_patterns_are_read(pattern: str) -> None:
    assert pattern_problem(pattern) is None


@pytest.mark.parametrize(("pattern", "why"), REFUSED)
def test_patterns_that_may_hang_are_refused(pattern: str, why: str) -> None:
    problem = pattern_problem(pattern)
    assert problem is not None
    assert why in problem


ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "(a|b)", "(a|aa)", "|", "(", ")", "a*", "a+", "a?"])
PARTS = st.tuples(ATOMS, st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,3}", "{40}"]))


@settings(max_examples=300, deadline=None)
@given(st.lists(PARTS, max_size=14).map(lambda parts: "".join(map("".join, parts))))
def test_whatever_is_accepted_ends_soon(pattern: str) -> None:
    if pattern_problem(pattern) is not None:
        return
    began = time.process_time()
    re.fullmatch(pattern, "a" * 60 + "!")
    assert time.process_time() - began < 5
