"""Long prompts, read in tiles: what they are when read at once, with derivatives in rates and gates too."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrgd_jax.certify import running_error, trace
from lrgd_jax.decoder import attention, split_tokens, tiny_decoder
from lrgd_jax.decoder.attention import Heads, attend_causally
from lrgd_jax.decoder.demonstration_gates import DemonstrationGates
from lrgd_jax.effect import PromptLoss

CONFIG = replace(tiny_decoder().config, layers=1, positions="none")
SEGMENTS = jnp.array([0, 0, 1, 2, 2])


def reads(tile, control, config=CONFIG):
    """What heads see of a prompt that is read so many queries at a time."""

    def attend(q, k, v, gates):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(attention, "QUERIES_A_TILE", tile)
            return attend_causally(config, Heads(q, k, v), DemonstrationGates(SEGMENTS, **{control: gates}))

    return attend


def agree(one, other, *arguments):
    """Within the rounding bounds of both, and compiled within that of the first."""
    found = [running_error(trace(function, *arguments), *arguments) for function in (one, other)]
    assert np.all(np.abs(found[0].value - found[1].value) <= found[0].error + found[1].error)
    assert np.all(np.abs(jax.jit(one)(*arguments) - found[0].value) <= found[0].error)
    assert np.all(found[0].error < np.abs(found[0].value))


def some_heads():
    rng = np.random.default_rng(0)
    return [jnp.asarray(x) for x in (*(rng.standard_normal((h, 5, 2)) for h in (2, 1, 1)), rng.uniform(0.5, 2, 2))]


# five queries are one more than two tiles of two hold
@pytest.mark.parametrize("control", ["rates", "contributions"])
@pytest.mark.parametrize("changes", [{}, {"window": 2}, {"attention": "linear"}, {"attention_soft_cap": 1.0}])
def test_tiles_are_the_whole(control, changes):
    config = replace(CONFIG, **changes)
    agree(reads(2, control, config), reads(9, control, config), *some_heads())


@pytest.mark.parametrize("control", ["rates", "contributions"])
def test_derivatives_in_what_demonstrations_count_are_the_same(control):
    def gradient(tile):
        def of_sum(q, k, v, gates):
            return jax.grad(lambda gates: jnp.sum(reads(tile, control)(q, k, v, gates)))(gates)

        return of_sum

    agree(gradient(2), gradient(9), *some_heads())


def test_a_layer_of_which_little_is_kept_has_the_same_derivatives():
    """Computed anew, with all that lies around its heads."""
    config, params, _ = tiny_decoder()
    wide = jax.tree.map(lambda x: x.astype(jnp.float64), replace(params, layers=params.layers[:1]))
    config = replace(config, layers=1)
    loss = PromptLoss.of(wide, config, jnp.arange(9) + 3, split_tokens(9, [(0, 4), (4, 6)]), (7, 9))

    def gradient(tile):
        def at(rates):
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(attention, "QUERIES_A_TILE", tile)
                return jax.grad(loss)(rates)

        return at

    rates = jnp.array([0.5, 2.0])
    assert "remat" in str(jax.make_jaxpr(gradient(2))(rates))
    agree(gradient(2), gradient(9), rates)
