r"""The loss of an episode: minus the log-probability of the item that came next.

With c candidates drawn from a catalogue of C items each stands for C / c of them, so that
$-\log p = \log\big(e^{s_y} + \frac Cc\sum_j e^{s_j}\big) - s_y$ estimates the loss over the whole catalogue.
"""

# the stubs of jax leave parts of array functions and lambdas under vmap without types
# pyright: reportUnknownMemberType=false

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from lrgd_jax.item_models.item_tables import random_rotation, signatures
from lrgd_jax.item_models.stack import Design, Items, Params, predictions, scores

__all__ = ["Episodes", "episode_items", "sampled_loss"]


class Episodes(NamedTuple):
    """A batch as the loss reads it.

    Attributes:
        questions: their inputs.
        shown: the inputs of their demonstrations.
        targets: the vectors of these demonstrations' targets.
        there: which places hold a demonstration.
        candidates: the vectors of the items to tell the target from, which is the first.
        counted: which of them compete.
        weight: C / c.
    """

    questions: Float[Array, "b d"]
    shown: Float[Array, "b n d"]
    targets: Float[Array, "b n d"]
    there: Bool[Array, "b n"]
    candidates: Float[Array, "b c1 d"]
    counted: Bool[Array, "b c1"]
    weight: Float[Array, ""]


def episode_items(key: PRNGKeyArray, vectors: Float[Array, "items t"], width: int) -> Items:
    """The items of a new episode: their texts rotated, their signatures drawn.

    Args:
        key: of the episode.
        vectors: of the titles.
        width: of a signature.
    """
    turned = vectors @ random_rotation(jax.random.fold_in(key, 0), vectors.shape[1])
    signed = signatures(jax.random.fold_in(key, 1), vectors.shape[0], width)
    return Items(jnp.concatenate([turned, signed], axis=1), vectors.shape[1])


def sampled_loss(params: Params, design: Design, text_width: int, episodes: Episodes) -> Float[Array, ""]:
    """The mean loss of a batch.

    Args:
        params: the scalars.
        design: of the stack.
        text_width: where the text of a vector ends.
        episodes: the batch.
    """

    def answer(
        x: Float[Array, " d"], shown: Float[Array, "n d"], y: Float[Array, "n d"], there: Bool[Array, " n"]
    ) -> Float[Array, " d"]:
        return predictions(params, design, text_width, x, shown, y, there)[-1]

    outputs = jax.vmap(answer)(episodes.questions, episodes.shown, episodes.targets, episodes.there)
    logits = jax.vmap(lambda items, f: scores(params, Items(items, text_width), f))(episodes.candidates, outputs)
    own = logits[:, 0]
    others = jnp.where(episodes.counted, logits + jnp.log(episodes.weight), -jnp.inf).at[:, 0].set(own)
    return jnp.mean(jax.nn.logsumexp(others, axis=1) - own)
