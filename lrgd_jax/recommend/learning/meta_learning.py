"""The meta-parameters, learned by optax through the dual on validation queries; nothing else is learned."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float

from lrgd_jax.recommend.data.dataset import Catalogue, Queries
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.forms.item_vectors import item_vectors
from lrgd_jax.recommend.forms.meta_parameters import Meta
from lrgd_jax.recommend.forms.popularity import popularity
from lrgd_jax.recommend.learning.item_matches import ItemMatches, KeyEntries, item_matches, key_entries
from lrgd_jax.recommend.learning.smooth_ndcg import smooth_ndcg_loss
from lrgd_jax.recommend.learning.unbounded_meta import UnboundedMeta

__all__ = ["LearnedMeta", "learn_meta"]


@dataclass(frozen=True)
class LearnedMeta:
    """What was learned.

    Attributes:
        meta: the meta-parameters.
        losses: minus the mean smooth gain before each step, shape [steps].
    """

    meta: Meta
    losses: Float[np.ndarray, " steps"]


def learn_meta(
    catalogue: Catalogue,
    context: Sequences,
    queries: Queries,
    *,
    start: Meta,
    steps: int = 120,
    batches: int = 12,
    batch: int = 256,
    learning_rate: float = 0.03,
    temperature: float = 0.02,
    seed: int = 0,
    progress: Callable[[int, float], None] | None = None,
) -> LearnedMeta:
    r"""Adam on a smooth NDCG of a sample of validation queries, over the whole catalogue without seen items.

    $$\max\;\frac1{|U|}\sum_u\frac1{\log_2(1+\hat r_u)},\qquad
    \hat r_u = 1+\sum_{j\ne y}\sigma\!\Big(\frac{s_{uj}-s_{uy}}\theta\Big)$$

    A cross-entropy would be governed by the queries that no list of ten can serve.

    Args:
        catalogue: the items.
        context: all that may be demonstrated to the queries.
        queries: the validation queries; never those of the test.
        start: where the meta-parameters start; the window stays.
        steps: number of steps of Adam.
        batches: how many batches are drawn; the steps go round them.
        batch: queries in each.
        learning_rate: learning rate of Adam, in units of the unbounded parameters.
        temperature: theta, in units of the scores.
        seed: seed of the sample.
        progress: called with the number of steps done and the last loss.

    Returns:
        The learned meta-parameters and the loss before each step.

    Raises:
        ValueError: there are fewer queries than one batch holds.

    Source: Qin et al. 2010, Information Retrieval 13 (the smooth rank).

    Examples:
        >>> from lrgd_jax.recommend.data.generator import generate_split
        >>> split = generate_split(0, users=40, items=60)
        >>> context, start = split.context("valid"), Meta(similarity=0.1)
        >>> learned = learn_meta(split.catalogue, context, split.valid, start=start, steps=3, batches=1, batch=40)
        >>> learned.losses.shape, bool(learned.losses[-1] < learned.losses[0]), learned.meta.window
        ((3,), True, 50)
    """
    if len(queries) < batch:
        raise ValueError(f"a batch needs {batch} validation queries, there are {len(queries)}; ask for smaller batches")
    keys = key_entries(context, len(catalogue), start.window)
    matches = _draw_batches(catalogue, context, queries, keys, start.window, batches, batch, seed)
    free, optimiser = UnboundedMeta.of(start, dtype=jnp.float32), optax.adam(learning_rate)
    state, losses = optimiser.init(free), []
    slots = keys.slots(np.float32)
    gradient = jax.jit(jax.value_and_grad(partial(smooth_ndcg_loss, n=len(keys.targets))))
    for step in range(steps):
        loss, slope = gradient(free, slots, matches[step % len(matches)], temperature)
        # optax mixes dtypes in its count of steps
        with jax.numpy_dtype_promotion("standard"):
            updates, state = optimiser.update(slope, state)
        free = jax.tree.map(jnp.add, free, updates)
        losses.append(float(loss))
        if progress is not None:
            progress(step + 1, losses[-1])
    return LearnedMeta(free.meta(start.window), np.array(losses))


def _draw_batches(
    catalogue: Catalogue,
    context: Sequences,
    queries: Queries,
    keys: KeyEntries,
    window: int,
    batches: int,
    batch: int,
    seed: int,
) -> list[ItemMatches]:
    """Batches of different queries, padded to one shape so that one program serves all."""
    counted, vectors = popularity(context, len(catalogue)), item_vectors(catalogue)
    order = np.random.default_rng(seed).permutation(len(queries))
    chosen = [queries.take(order[k : k + batch]) for k in range(0, len(queries) - batch + 1, batch)][:batches]
    matches = []
    for asked in chosen:
        counts = counted.counts[None] if asked.times is None else counted.before(asked.times)
        matches.append(item_matches(keys, asked, counts, vectors, window))
    entries, pairs = max(len(x.age) for x in matches), max(len(x.entry) for x in matches)
    return [x.pad(entries, pairs).on_device() for x in matches]
