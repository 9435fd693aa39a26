"""What is kept of a memory from token to token: one number, one a head, one a token, one a token and feature."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from jaxtyping import Float

__all__ = ["decays"]


def decays(
    *, heads: int | None = None, tokens: int | None = None, features: int | None = None
) -> st.SearchStrategy[float | Float[np.ndarray, "..."]]:
    """Decays in [0, 1] by shape, as the attention forms take them; they shrink to one number, and to one.

    What is drawn is a number, or an array with one decay a head [h] where `heads` is given, one a token [n] or head and
    token [h, n] where `tokens` is (the decays that a layer computes from its data), and one a feature as well, [r],
    [n, r] or [h, n, r], where `features` is.

    Args:
        heads: h.
        tokens: n.
        features: r.

    Raises:
        ValueError: a size is negative.

    Examples:
        >>> from hypothesis import find
        >>> find(decays(), lambda decay: decay < 1)
        0.5
        >>> find(decays(heads=2, tokens=3), lambda decay: getattr(decay, "shape", None) == (2, 3)).tolist()
        [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    """
    if any(size is not None and size < 0 for size in (heads, tokens, features)):
        raise ValueError(f"decays: a size is 0 or more; got {heads} heads, {tokens} tokens, {features} features")
    one = st.sampled_from([1.0, 0.5, 0.0]) | st.floats(0, 1, width=32, allow_subnormal=False)
    head, token, feature = (() if size is None else (size,) for size in (heads, tokens, features))
    shapes: list[tuple[int, ...]] = [head, (*head, *token), (*head, *token, *feature)]
    if not head:
        shapes.append(feature)
    arrays = [hnp.arrays(np.float32, shape, elements=one) for shape in dict.fromkeys(shapes) if shape]
    return st.one_of(one, *arrays)
