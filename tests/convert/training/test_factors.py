"""Factors of kernels: exact where the rank suffices, the best where it does not."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.convert.training.factors import (
    factor_cp,
    factor_matrix,
    factor_tucker,
    mode_bases,
    singular_values,
)

RNG = np.random.default_rng(1)


def low_tucker(rank_in: int, rank_out: int) -> np.ndarray:
    core = RNG.normal(size=(3, 3, rank_in, rank_out))
    a, b = RNG.normal(size=(8, rank_in)), RNG.normal(size=(10, rank_out))
    return np.einsum("hwab,ia,ob->hwio", core, a, b)


def compose_tucker(kernels: tuple[np.ndarray, ...]) -> np.ndarray:
    first, core, last = kernels
    return np.einsum("ia,hwab,bo->hwio", first[0, 0], core, last[0, 0])


def compose_cp(kernels: tuple[np.ndarray, ...]) -> np.ndarray:
    first, rows, columns, last = kernels
    return np.einsum(
        "ir,hr,wr,ro->hwio", first[0, 0], rows[:, 0, :, 0], columns[0, :, :, 0], last[0, 0]
    )


def relative(kernel: np.ndarray, found: np.ndarray) -> float:
    return float(np.sum((kernel - found) ** 2) / np.sum(kernel**2))


def test_a_matrix_of_full_rank_is_itself_and_the_error_is_what_is_cut_off() -> None:
    matrix = RNG.normal(size=(12, 7))
    whole = factor_matrix(matrix, 7)
    assert np.allclose(whole.kernels[0] @ whole.kernels[1], matrix)
    part = factor_matrix(matrix, 3)
    assert part.weights == 3 * (12 + 7)
    assert part.error == pytest.approx(relative(matrix, part.kernels[0] @ part.kernels[1]))
    values = singular_values(matrix)
    assert part.error == pytest.approx(np.sum(values[3:] ** 2) / np.sum(values**2))


def test_the_moment_of_the_inputs_makes_the_outputs_error_the_least() -> None:
    x = RNG.normal(size=(500, 4)) @ RNG.normal(size=(4, 12)) + 0.05 * RNG.normal(size=(500, 12))
    matrix = RNG.normal(size=(12, 9))
    blind = factor_matrix(matrix, 4)
    seeing = factor_matrix(matrix, 4, x.T @ x / len(x))
    errors = [relative(x @ matrix, x @ f.kernels[0] @ f.kernels[1]) for f in (blind, seeing)]
    assert errors[1] < 1e-3
    assert errors[0] > 0.05
    assert seeing.error == pytest.approx(errors[1], rel=0.1)


def test_a_moment_without_full_rank_is_no_trouble() -> None:
    x = np.zeros((10, 6))
    x[:, 0] = RNG.normal(size=10)
    found = factor_matrix(RNG.normal(size=(6, 4)), 2, x.T @ x)
    assert all(np.isfinite(kernel).all() for kernel in found.kernels)


@pytest.mark.parametrize("ranks", [(3, 4), (8, 10), (1, 1)])
def test_tucker_finds_kernels_of_its_ranks(ranks: tuple[int, int]) -> None:
    kernel = low_tucker(*ranks)
    found = factor_tucker(kernel, *ranks)
    assert found.error < 1e-9
    assert relative(kernel, compose_tucker(found.kernels)) < 1e-9


def test_tucker_is_no_worse_than_the_higher_order_svd() -> None:
    kernel = RNG.normal(size=(3, 3, 8, 10))
    found = factor_tucker(kernel, 4, 5)
    a, b, core = mode_bases(kernel)
    shown = np.einsum("ia,hwab,ob->hwio", a[:, :4], core[:, :, :4, :5], b[:, :5])
    assert found.error == pytest.approx(relative(kernel, compose_tucker(found.kernels)))
    assert found.error <= relative(kernel, shown) + 1e-12


def test_cp_finds_kernels_of_its_rank() -> None:
    factors = [RNG.normal(size=(n, 3)) for n in (3, 3, 8, 10)]
    kernel = np.einsum("hr,wr,ir,or->hwio", *factors)
    found = factor_cp(kernel, 3)
    assert found.error < 1e-4
    assert relative(kernel, compose_cp(found.kernels)) == pytest.approx(found.error, abs=1e-6)


def test_more_rank_errs_less() -> None:
    kernel = RNG.normal(size=(3, 3, 6, 6))
    errors = [factor_cp(kernel, rank).error for rank in (2, 6, 12, 24)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.2
