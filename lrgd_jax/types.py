"""The vocabulary: array types and the letters of their shapes.

| letter | meaning |
|---|---|
| `n` | tokens that are attended to (demonstrations, then the query's own tokens) |
| `t` | tokens that attend (queries); they are the last `t` of the `n` where a form is causal |
| `d` | width of a key or query |
| `dv` | width of a value |
| `r` | number of features, the width of phi(x) |
| `h`, `g` | query heads, key-value heads (groups) |
| `m` | width of a token (the residual stream) |
| `f` | hidden width of a feed-forward block |
"""

from collections.abc import Callable
from typing import TypeAlias

from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

__all__ = ["Array", "Bool", "FeatureMap", "Float", "Int", "Kernel", "PRNGKeyArray"]

FeatureMap: TypeAlias = Callable[[Float[Array, " d"]], Float[Array, " r"]]
"""phi: one vector of width d to its r features."""

Kernel: TypeAlias = Callable[[Float[Array, " d"], Float[Array, " d"]], Float[Array, ""]]
"""kappa: a pair of vectors to one number."""
