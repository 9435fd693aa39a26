r"""How far two evaluations of one decoder may lie apart: local errors at marked tensors, weighted by adjoints.

Both ways of computing a layer mark the same tensors z by `jax.ad_checkpoint.checkpoint_name`. From exact marks before
it, each mark loses at most $\delta_z$, the sum of both ways' running errors. If both ways are one function in exact
arithmetic, which is what the comparison tests, one reverse pass serves both (Linnainmaa 1976; Iri 1984), to first
order:

$$|\hat h_j - \hat h'_j| \le \sum_z \sum_e \left|\frac{\partial h_j}{\partial z_e}\right| \delta_{z,e} + O(u^2).$$

The ordinary way is differentiated, being the cheaper. Position t depends on no later one, so a block of positions
needs reverse passes over the prompt up to its end only.

The walker of `lrgd_jax.certify` finds the local errors, with a number system that notes them at the marks. The
perturbations are added by another, since they are under `jax.vjp` and `jax.jit`, where no integer has a value, while
the walker evaluates integers and branches as they stand and unrolls loops. So `_evaluate` binds JAX's own primitives
again, and knows none of them but the mark.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core
from jaxtyping import Array, Float, Int, PyTree

from lrgd_jax.certify import Program, running_error, trace, walk
from lrgd_jax.certify.rounding.rounded_numbers import Rounded
from lrgd_jax.certify.rounding.running_error import Rounding, inputs_of
from lrgd_jax.decoder import DecoderConfig, DecoderParams, embed
from lrgd_jax.decoder.forward import read_logits
from lrgd_jax.decoder.norms import normalise
from lrgd_jax.decoder.transformer_layer import layer
from lrgd_jax.precision import at_least_float32

__all__ = ["head_bounds", "hidden_bound", "local_errors", "sum_of_losses"]

Losses = list[Float[np.ndarray, "*_ n _"]]
"""One entry a mark; its last axis but one are the positions."""


class _Marks(Rounding):
    """Rounded numbers whose errors are recorded, and start anew, at every mark."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.errors: Losses = []

    def mark(self, eqn: core.JaxprEqn, element: Rounded) -> Rounded:
        self.names.append(eqn.params["name"])
        self.errors.append(np.broadcast_to(element.error, element.value.shape))
        return Rounded(element.value, np.zeros(element.value.shape), element.format)


def local_errors(program: Program, *arguments: PyTree) -> tuple[list[str], Losses]:
    """The marks that a program passes, in order, and what is lost on the way to each from the one before."""
    marks = _Marks()
    with np.errstate(all="ignore"):
        walk(program, marks, inputs_of(program, arguments))
    return marks.names, marks.errors


def sum_of_losses(left: tuple[list[str], Losses], right: tuple[list[str], Losses]) -> Losses:
    """What two ways lose together at each mark.

    Raises:
        ValueError: the two ways do not pass the same marks.
    """
    places = [[(name, error.shape) for name, error in zip(*side, strict=True)] for side in (left, right)]
    if places[0] != places[1]:
        raise ValueError(f"the two ways mark different tensors, so their errors do not add: {places[0]}, {places[1]}")
    return [a + b for a, b in zip(left[1], right[1], strict=True)]


def hidden_bound(
    params: DecoderParams,
    config: DecoderConfig,
    tokens: Int[Array, " n"],
    losses: Sequence[Losses],
    *,
    block: int = 28,
    progress: Callable[[float], None] | None = None,
) -> Float[np.ndarray, "n m"]:
    """The bound on the difference of two evaluations of the final hidden states.

    Args:
        params: weights of the decoder.
        config: the decoder.
        tokens: ids of the prompt.
        losses: what each layer and the final norm lose, from `sum_of_losses`.
        block: positions whose reverse passes are compiled together.
        progress: called with the share of the work that is done.
    """
    params = jax.tree.map(at_least_float32, params)
    wide = params.embedding.dtype
    *of_layers, of_norm = losses
    n = tokens.shape[0]
    bounds = []
    for start in range(0, n, block):
        end = min(start + block, n)
        local = [[jnp.asarray(loss[..., :end, :], wide) for loss in layer] for layer in of_layers]
        bounds.append(np.asarray(_block(params, config, tokens[:end], local, start), np.float64))
        if progress is not None:
            progress((end / n) ** 2)
    total = np.concatenate(bounds) + of_norm[0]
    return np.where(np.isnan(total), np.inf, total)


@partial(jax.jit, static_argnames=("config", "start"))
def _block(
    params: DecoderParams, config: DecoderConfig, tokens: Int[Array, " e"], losses: list[list[Array]], start: int
) -> Float[Array, "b m"]:
    """The sums over all marks for the positions from `start` to the end, one position at a time."""

    def hidden_states(perturbations: list[list[Array]]) -> Float[Array, "e m"]:
        x = embed(params, tokens)
        for i, (weights, perturbation) in enumerate(zip(params.layers, perturbations, strict=True)):
            x = _add_perturbations(partial(layer, config=config.of_layer(i)), perturbation, weights, x=x)
        return normalise(config, params.final_norm, params.final_norm_bias, x)

    hidden, pull = jax.vjp(hidden_states, jax.tree.map(jnp.zeros_like, losses))

    def one_position(t: Array) -> Float[Array, " m"]:
        def one_entry(direction: Array) -> Array:
            (adjoints,) = pull(jnp.zeros_like(hidden).at[t].set(direction))
            terms = jax.tree.map(lambda a, loss: jnp.sum(jnp.abs(a) * loss), adjoints, losses)
            return jnp.stack(jax.tree.leaves(terms)).sum()

        return jax.vmap(one_entry)(jnp.eye(hidden.shape[1], dtype=hidden.dtype))

    return jax.lax.map(one_position, jnp.arange(start, tokens.shape[0]))


def _add_perturbations(
    way: Callable[..., Array], perturbation: Sequence[Array], *arguments: PyTree, **more: PyTree
) -> Array:
    """A function with a perturbation added at every mark that it passes, in order."""
    closed = jax.make_jaxpr(way)(*arguments, **more)
    rest = iter(perturbation)
    (result,) = _evaluate(closed.jaxpr, closed.consts, jax.tree.leaves((arguments, more)), rest)
    if next(rest, None) is not None:
        raise ValueError("there are more perturbations than marks")
    return result


def _evaluate(
    jaxpr: core.Jaxpr, consts: Sequence[Array], arguments: Sequence[Array], rest: Iterator[Array]
) -> list[Array]:
    known = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *arguments], strict=True))

    def value(atom: core.Var | core.Literal) -> Array:
        return atom.val if isinstance(atom, core.Literal) else known[atom]

    for eqn in jaxpr.eqns:
        values = [value(atom) for atom in eqn.invars]
        if eqn.primitive.name == "name":
            results = [values[0] + next(rest)]
        elif eqn.primitive.name in ("jit", "pjit", "closed_call"):
            inner = eqn.params["jaxpr"]
            results = _evaluate(inner.jaxpr, inner.consts, values, rest)
        else:
            options = eqn.primitive.get_bind_params(eqn.params)
            results = eqn.primitive.bind(*values, **options)
            results = results if eqn.primitive.multiple_results else [results]
        known |= dict(zip(eqn.outvars, results, strict=True))
    return [value(atom) for atom in jaxpr.outvars]


def head_bounds(
    params: DecoderParams, config: DecoderConfig, hidden: Float[Array, "n m"], bound: Float[np.ndarray, "n m"]
) -> tuple[Float[np.ndarray, "n vocab"], Float[np.ndarray, "n vocab"]]:
    """Bounds on the logits of two evaluations; the difference of their hidden states is counted with the first.

    Args:
        params: weights of the decoder.
        config: the decoder.
        hidden: the final hidden states.
        bound: how far two evaluations of them may be apart.
    """
    program = trace(lambda x: read_logits(params, config, x), hidden)
    return running_error(program, hidden, errors=(bound,)).error, running_error(program, hidden).error
