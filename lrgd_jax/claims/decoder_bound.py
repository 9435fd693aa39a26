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
the walker evaluates integers and branches as they stand and unrolls loops.

A layer in a narrow format may lose as much on its way as a norm inside it divides by, and then nothing finite bounds
the whole layer. `compare_stretches` holds the two ways together between the marks instead, each stretch from the same
tensors, with the running errors of that stretch alone, in which nothing is left out.
"""

from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core
from jaxtyping import Array, Float, Int, PyTree

from lrgd_jax.certify import Bounded, Program, running_error, trace, walk
from lrgd_jax.certify.rounding.rounded_numbers import Rounded, exact
from lrgd_jax.certify.rounding.running_error import Rounding, inputs_of
from lrgd_jax.claims.comparison import Comparison, compare
from lrgd_jax.claims.marks import apply_at_marks
from lrgd_jax.decoder import DecoderConfig, DecoderParams, embed
from lrgd_jax.decoder.forward import read_logits
from lrgd_jax.decoder.norms import normalise
from lrgd_jax.decoder.transformer_layer import layer
from lrgd_jax.precision import at_least_float32

__all__ = ["compare_stretches", "head_bounds", "hidden_bound", "local_errors", "sum_of_losses"]

Losses = list[Float[np.ndarray, "*_ n _"]]
"""One entry a mark; its last axis but one are the positions."""


class _Marks(Rounding):
    """Rounded numbers whose errors are recorded, and start anew, at every mark.

    Args:
        starts: what the program goes on with at each mark, exactly; its own values unless given.
    """

    def __init__(self, starts: Sequence[Array] | None = None) -> None:
        self.starts = starts
        self.names: list[str] = []
        self.errors: Losses = []

    def mark(self, eqn: core.JaxprEqn, element: Rounded) -> Rounded:
        self.names.append(eqn.params["name"])
        self.errors.append(np.broadcast_to(element.error, element.value.shape))
        if self.starts is None:
            return Rounded(element.value, np.zeros(element.value.shape), element.format)
        start = np.asarray(self.starts[len(self.names) - 1])
        return exact(start, start.dtype)


def local_errors(
    program: Program, *arguments: PyTree, starts: Sequence[Array] | None = None
) -> tuple[list[str], Losses]:
    """The marks that a program passes, in order, and what is lost on the way to each from those before.

    Args:
        program: the traced function.
        *arguments: its arguments.
        starts: what it goes on with at each mark; its own values in float64 unless given.
    """
    marks = _Marks(starts)
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


def compare_stretches(
    ways: tuple[Callable[..., Array], Callable[..., Array]], programs: Sequence[Program], *arguments: PyTree
) -> Comparison:
    """Holds two ways together between their marks, where both begin every stretch at the tensors of the first way.

    Args:
        ways: two functions that pass the same marks, the last of which is what they return.
        programs: their traces.
        *arguments: of both.

    Returns:
        The comparison of all marked tensors; the tolerance is the running error of the stretch to each.
    """
    left = jax.jit(_marked(ways[0]))(None, *arguments)
    right = jax.jit(_marked(ways[1]))(left, *arguments)
    bounds = [local_errors(program, *arguments, starts=left)[1] for program in programs]
    sides = ([np.asarray(x, np.float64) for x in side] for side in (left, right))
    return compare(*(Bounded(side, bound) for side, bound in zip(sides, bounds, strict=True)))


def _marked(way: Callable[..., Array]) -> Callable[..., list[Array]]:
    """The tensors at a function's marks, where it goes on with others from each; with its own if there are none."""

    def tensors(starts: list[Array] | None, *arguments: PyTree) -> list[Array]:
        own: list[Array] = []

        def at_mark(x: Array) -> Array:
            own.append(x)
            return x if starts is None else starts[len(own) - 1]

        apply_at_marks(way, at_mark, *arguments)
        return own

    return tensors


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
    rest = iter(perturbation)
    result = apply_at_marks(way, lambda x: x + next(rest), *arguments, **more)
    if next(rest, None) is not None:
        raise ValueError("there are more perturbations than marks")
    return result


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
