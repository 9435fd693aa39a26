"""Meta-parameters learned through the dual: the differentiable scores are the recommender's, and learning helps."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from recommend.histories import ITEMS, allowed, histories, model_of, terms_of, vectors
from support.equivalence import evaluate_trace

from lrgd_jax.recommend.data.dataset import Queries
from lrgd_jax.recommend.data.generator import generate_split
from lrgd_jax.recommend.forms.history_keys import GRID
from lrgd_jax.recommend.forms.meta_parameters import TIMED, Meta
from lrgd_jax.recommend.learning.item_matches import item_matches, key_entries
from lrgd_jax.recommend.learning.meta_learning import learn_meta
from lrgd_jax.recommend.learning.smooth_ndcg import differentiable_scores
from lrgd_jax.recommend.learning.unbounded_meta import UnboundedMeta
from lrgd_jax.recommend.serving.recommender import Recommender

META = Meta(0.75, 0.5, 0.5, 0.25, 0.5, 0.125, 0.5)


@pytest.mark.parametrize("timed", [False, True])
def test_the_differentiable_scores_are_those_of_the_recommender(timed):
    past, asked = histories(timed=timed), histories(5)
    model = model_of(past=past)
    times = np.arange(len(asked)) * 6 if timed else None
    queries = Queries(np.arange(len(asked)), asked, np.zeros(len(asked), np.int64), times)
    keys = key_entries(past, ITEMS, META.window)
    counts = np.atleast_2d(model.initial.counts(times))
    met = item_matches(keys, queries, counts, vectors(), META.window)
    arguments = jax.tree.map(jnp.asarray, (UnboundedMeta.of(META, jnp.float64), keys.slots(float), met))
    right = evaluate_trace(
        lambda free, slots, met: differentiable_scores(free, slots, met, len(keys.targets)), *arguments
    )
    scale = np.abs(right.value).max() + 10
    bound = right.error + allowed(terms_of(model), scale) + GRID * ITEMS * len(keys.targets)
    assert (np.abs(model.scores(asked, times) - right.value) <= bound).all()


def test_free_numbers_go_there_and_back():
    again = UnboundedMeta.of(META, jnp.float64).meta(META.window)
    unit = np.finfo(float).eps
    for name, value in vars(META).items():
        assert abs(getattr(again, name) - value) <= 16 * unit * abs(value)


def test_learning_lowers_the_loss_on_its_batch():
    split = generate_split(0, users=60, items=60)
    start = replace(TIMED, similarity=0.01)
    found = learn_meta(split.catalogue, split.context("valid"), split.valid, start=start, steps=12, batches=1, batch=40)
    assert len(found.losses) == 12
    assert found.losses[-1] < found.losses[0]
    assert found.meta.similarity > start.similarity
    assert 0 < found.meta.decay < 1


def reciprocal_logs(split, meta):
    """1 / log2(1 + rank) of every validation target that its user has not had, equal scores half above."""
    context, queries = split.context("valid"), split.valid
    fitted = Recommender(split.catalogue, meta).fit(context, split.users)
    scores = fitted.model.scores(queries.histories, queries.times)
    found = []
    for row, target, number in zip(scores, queries.targets, range(len(queries)), strict=True):
        own = queries.histories.of(number)
        if target not in own:
            others = np.delete(row, [*own, target])
            found.append(1 / np.log2(2 + (others > row[target]).sum() + (others == row[target]).sum() / 2))
    return np.array(found)


def test_the_loss_is_minus_the_gain_of_the_rank_where_the_temperature_is_low():
    split = generate_split(0, users=30, items=60)
    options = {"start": TIMED, "steps": 1, "batches": 1, "batch": len(split.valid)}
    found = learn_meta(split.catalogue, split.context("valid"), split.valid, temperature=1e-6, **options)
    gains = reciprocal_logs(split, TIMED)
    # single precision may put two scores that are nearly equal in the other order: that is one place, and moves a gain
    # by at most 1 - 1/log2(3)
    assert abs(found.losses[0] + gains.mean()) <= (1 - 1 / np.log2(3)) / len(gains)


def test_a_batch_of_all_queries_is_the_same_for_every_seed():
    split = generate_split(0, users=20, items=60)
    options = {"start": TIMED, "steps": 1, "batches": 3, "batch": len(split.valid)}
    one, other = (
        learn_meta(split.catalogue, split.context("valid"), split.valid, seed=seed, **options).losses for seed in (0, 1)
    )
    # sums of the same terms in another order, each at most one, and as many roundings as terms
    assert abs(one[0] - other[0]) <= 2 * len(split.valid) * np.finfo(np.float32).eps
    with pytest.raises(ValueError, match="a batch needs 21 validation queries, there are 20"):
        learn_meta(split.catalogue, split.context("valid"), split.valid, **{**options, "batch": 21})


def test_too_few_queries_are_named():
    split = generate_split(0, users=10, items=60)
    with pytest.raises(ValueError, match="smaller batches"):
        learn_meta(split.catalogue, split.context("valid"), split.valid, start=TIMED)
