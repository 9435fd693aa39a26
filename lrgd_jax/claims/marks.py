"""Programs evaluated with something done at every tensor that they mark by `jax.ad_checkpoint.checkpoint_name`.

What is done may be differentiated and compiled: JAX's own primitives are bound again, and none of them is known here
but the mark.
"""

from collections.abc import Callable, Sequence

import jax
from jax.extend import core
from jaxtyping import Array, PyTree

__all__ = ["apply_at_marks"]


def apply_at_marks(
    way: Callable[..., Array], at_mark: Callable[[Array], Array], *arguments: PyTree, **more: PyTree
) -> Array:
    """A function of arrays, whose marked tensors are replaced on the way.

    Args:
        way: the function, which returns one array.
        at_mark: called with every marked tensor in order; the program goes on with what it returns.
        *arguments: of the function.
        **more: keyword arguments of it.

    Returns:
        What the function returns then.

    Examples:
        >>> from jax.ad_checkpoint import checkpoint_name
        >>> float(apply_at_marks(lambda x: 2 * checkpoint_name(x + 1, "sum"), lambda mark: 10 * mark, 2.0))
        60.0
    """
    closed = jax.make_jaxpr(way)(*arguments, **more)
    (result,) = _evaluate(closed.jaxpr, closed.consts, jax.tree.leaves((arguments, more)), at_mark)
    return result


def _evaluate(
    jaxpr: core.Jaxpr, consts: Sequence[Array], arguments: Sequence[Array], at_mark: Callable[[Array], Array]
) -> list[Array]:
    known = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *arguments], strict=True))

    def value(atom: core.Var | core.Literal) -> Array:
        return atom.val if isinstance(atom, core.Literal) else known[atom]

    for eqn in jaxpr.eqns:
        values = [value(atom) for atom in eqn.invars]
        if eqn.primitive.name == "name":
            results = [at_mark(values[0])]
        elif eqn.primitive.name in ("jit", "pjit", "closed_call"):
            inner = eqn.params["jaxpr"]
            results = _evaluate(inner.jaxpr, inner.consts, values, at_mark)
        else:
            options = eqn.primitive.get_bind_params(eqn.params)
            results = eqn.primitive.bind(*values, **options)
            results = results if eqn.primitive.multiple_results else [results]
        known |= dict(zip(eqn.outvars, results, strict=True))
    return [value(atom) for atom in jaxpr.outvars]
