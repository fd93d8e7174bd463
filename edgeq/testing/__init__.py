"""Assertions about models on boards, for tests: it fits, it is fast, exact and frugal enough.

    from edgeq.testing import assert_faster_than, assert_fits

    def test_keyword_spotting(edge_board):
        assert_fits("kws.tflite", board="nucleo-l4r5zi", flash="128k", ram="32k")
        assert_faster_than("kws.tflite", "20ms", board=edge_board)

`edge_board` is the fixture of edgeq's pytest plugin; without pytest, a board's id will do.
"""

from edgeq.testing.assertions import assert_bit_exact as assert_bit_exact
from edgeq.testing.assertions import assert_faster_than as assert_faster_than
from edgeq.testing.assertions import assert_fits as assert_fits
from edgeq.testing.assertions import assert_within_energy as assert_within_energy
from edgeq.testing.board import EdgeBoard as EdgeBoard
