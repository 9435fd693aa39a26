"""The weights that integrate a polynomial over [0, 1] from its values at whole numbers."""

from __future__ import annotations

from fractions import Fraction

__all__ = ["integration_weights"]


def integration_weights(degree: int) -> tuple[Fraction, ...]:
    r"""The weights of the nodes 0, 1, ..., D that integrate each polynomial of degree D over [0, 1] exactly.

    $$\int_0^1 p(t)\,dt = \sum_{j=0}^{D} w_j\,p(j),\qquad w_j = \int_0^1 \prod_{k\ne j}\frac{t-k}{j-k}\,dt$$

    Whole nodes keep a program that is evaluated there free of rounded literals.

    Args:
        degree: D, at least zero.

    Returns:
        w_0, ..., w_D.

    Examples:
        >>> [str(weight) for weight in integration_weights(2)]
        ['5/12', '2/3', '-1/12']
    """
    weights: list[Fraction] = []
    for node in range(degree + 1):
        coefficients = [Fraction(1)]  # of Lagrange's polynomial of the node, the constant one first
        for other in range(degree + 1):
            if other != node:
                raised, lowered = [Fraction(0), *coefficients], [*(-other * c for c in coefficients), Fraction(0)]
                coefficients = [(a + b) / (node - other) for a, b in zip(raised, lowered, strict=True)]
        weights.append(sum((c / (power + 1) for power, c in enumerate(coefficients)), Fraction(0)))
    return tuple(weights)
