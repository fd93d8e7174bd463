"""Factors of kernels: SVD of matrices, Tucker-2 and CP of convolutions. numpy alone.

A kernel (height, width, inputs, outputs) is approximated by smaller ones in a row. Where the
second moment of the inputs is known, the error that counts is that of the outputs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgeq.convert.metrics import Array

Floats = NDArray[np.float64]
SWEEPS = 50
TOLERANCE = 1e-7
RIDGE = 1e-6
TINY = 1e-30


class Factored(NamedTuple):
    """Kernels of layers in a row, and the squared error relative to the original's power."""

    kernels: tuple[Floats, ...]
    error: float

    @property
    def weights(self) -> int:
        """Number of weights."""
        return sum(kernel.size for kernel in self.kernels)


def singular_values(matrix: Array, moment: Array | None = None) -> Floats:
    """Return the singular values of S^T W, where S S^T is the inputs' second moment (n, n)."""
    whitened = matrix if moment is None else _root(moment)[0].T @ matrix
    return np.asarray(np.linalg.svd(np.asarray(whitened, np.float64), compute_uv=False))


def factor_matrix(matrix: Array, rank: int, moment: Array | None = None) -> Factored:
    """Return A (n, rank) and B (rank, m) of least mean |x W - x A B|^2 over inputs x.

    The truncated SVD of S^T W (Eckart and Young 1936), with S^-T in front of A. `moment` is
    E[x^T x]; without it, inputs count as uncorrelated and of equal size.
    """
    w = np.asarray(matrix, np.float64)
    root, inverse = (np.eye(len(w)),) * 2 if moment is None else _root(moment)
    u, s, v = np.linalg.svd(root.T @ w, full_matrices=False)
    share = np.sqrt(s[:rank])
    first, second = inverse.T @ (u[:, :rank] * share), share[:, None] * v[:rank]
    balance = np.sqrt(np.linalg.norm(second) / max(float(np.linalg.norm(first)), TINY))
    error = float(np.sum(s[rank:] ** 2) / max(float(np.sum(s**2)), TINY))
    return Factored((first * balance, second / balance), error)


def _root(moment: Array) -> tuple[Floats, Floats]:
    """Return S and its inverse, S S^T the moment with a small ridge."""
    m = np.asarray(moment, np.float64)
    ridge = RIDGE * max(float(np.trace(m)) / len(m), TINY)
    root = np.linalg.cholesky(m + ridge * np.eye(len(m)))
    return np.asarray(root, np.float64), np.asarray(np.linalg.inv(root), np.float64)


def mode_bases(kernel: Array) -> tuple[Floats, Floats, Floats]:
    """Return bases of input and output channels, best first, and the kernel's core in them.

    The higher-order SVD of the two channel modes (De Lathauwer et al. 2000, section 4).
    """
    k = np.asarray(kernel, np.float64)
    inputs = _basis(np.moveaxis(k, 2, 0))
    outputs = _basis(np.moveaxis(k, 3, 0))
    return inputs, outputs, np.einsum("hwio,ia,ob->hwab", k, inputs, outputs, optimize=True)


def _basis(tensor: Floats) -> Floats:
    """Return the left singular vectors of a tensor unfolded along its first axis."""
    flat = tensor.reshape(len(tensor), -1)
    values, vectors = np.linalg.eigh(flat @ flat.T)
    return np.asarray(vectors[:, np.argsort(values)[::-1]])


def factor_tucker(kernel: Array, rank_in: int, rank_out: int) -> Factored:
    """Return kernels 1x1 (inputs, rank_in), h x w (rank_in, rank_out), 1x1 (rank_out, outputs).

    Tucker-2 (Kim et al. 2016, section 3) by higher-order orthogonal iteration (De Lathauwer et
    al. 2000b), begun at the higher-order SVD.
    """
    k = np.asarray(kernel, np.float64)
    a, b, _ = mode_bases(k)
    a, b = a[:, :rank_in], b[:, :rank_out]
    power, kept = float(np.sum(k**2)), 0.0
    for _ in range(SWEEPS):
        a = _basis(np.moveaxis(np.einsum("hwio,ob->hwib", k, b, optimize=True), 2, 0))[:, :rank_in]
        b = _basis(np.moveaxis(np.einsum("hwio,ia->hwao", k, a, optimize=True), 3, 0))[:, :rank_out]
        core = np.einsum("hwio,ia,ob->hwab", k, a, b, optimize=True)
        before, kept = kept, float(np.sum(core**2))
        if kept - before <= TOLERANCE * power:
            break
    error = max(0.0, 1.0 - kept / max(power, TINY))
    return Factored((a[None, None], core, b.T[None, None]), error)


def factor_cp(kernel: Array, rank: int, seed: int = 0) -> Factored:
    """Return kernels 1x1 (inputs, r), depthwise h x 1 and 1 x w (r, 1), 1x1 (r, outputs).

    Canonical polyadic decomposition by alternating least squares (Lebedev et al. 2015, section 3),
    begun at the leading vectors of each mode, with random ones where a mode has fewer.
    """
    k = np.asarray(kernel, np.float64)
    rng = np.random.default_rng(seed)
    factors = [_begin(np.moveaxis(k, mode, 0), rank, rng) for mode in range(4)]
    power, error = max(float(np.sum(k**2)), TINY), np.inf
    for _ in range(SWEEPS):
        for mode in range(4):
            factors[mode] = _solve_mode(k, factors, mode)
        shown = np.einsum("hr,wr,ir,or->hwio", *factors, optimize=True)
        before, error = error, float(np.sum((k - shown) ** 2)) / power
        if before - error <= TOLERANCE:
            break
    rows, columns, inputs, outputs = _level(factors)
    kernels = (inputs[None, None], rows[:, None, :, None], columns[None, :, :, None])
    return Factored((*kernels, outputs.T[None, None]), error)


def _begin(unfolded: Floats, rank: int, rng: np.random.Generator) -> Floats:
    basis = _basis(unfolded)[:, :rank]
    more = rng.normal(size=(len(basis), rank - basis.shape[1]))
    return np.concatenate([basis, more], axis=1)


_OTHERS = ("wr,ir,or", "hr,ir,or", "hr,wr,or", "hr,wr,ir")
_LETTERS = "hwio"


def _solve_mode(k: Floats, factors: list[Floats], mode: int) -> Floats:
    """Return the least-squares factor of one mode, the others given, slightly damped."""
    others = [factor for place, factor in enumerate(factors) if place != mode]
    gram = np.prod([factor.T @ factor for factor in others], axis=0)
    equation = f"hwio,{_OTHERS[mode]}->{_LETTERS[mode]}r"
    right = np.einsum(equation, k, *others, optimize=True)
    damping = 1e-9 * max(float(np.trace(gram)) / len(gram), TINY)
    return np.asarray(np.linalg.solve(gram + damping * np.eye(len(gram)), right.T).T)


def _level(factors: list[Floats]) -> list[Floats]:
    """Give every factor's columns the same length, their product kept."""
    lengths = [np.maximum(np.linalg.norm(factor, axis=0), TINY) for factor in factors]
    common = np.prod(lengths, axis=0) ** 0.25
    return [factor / length * common for factor, length in zip(factors, lengths, strict=True)]
