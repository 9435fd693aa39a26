"""The scores by name: what each returns, which are free of N, and what is refused."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from decoder.helpers import TINY, TOKENS, decoder

from lrgd_jax.effect import DEFAULT, METHODS, Control, PromptLoss, score_demonstrations

CONFIG = replace(TINY, layers=1)
SEGMENTS = {2: [0, 1, 1, 2, 2, 2, 3, 3], 4: [0, 1, 2, 3, 4, 4, 5, 5]}
GROWING = {"leave-one-out", "permutation-shapley", "exact-shapley"}
WITHOUT_SIGN = {"attention", "contribution-norm", "input-gradient"}


def of(n, control: Control = "rates"):
    segments = jnp.asarray(SEGMENTS[n])
    return PromptLoss.of(decoder(CONFIG), CONFIG, TOKENS, segments, (7, 8), always_seen=1, control=control)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_scores_every_demonstration_whatever_the_control(name):
    rates, gates = METHODS[name](of(2)), METHODS[name](of(2, "contributions"))
    assert rates.values.tolist() == gates.values.tolist()
    assert (rates.cost, rates.method) == (gates.cost, gates.method)
    assert rates.values.shape == (2,)
    assert np.isfinite(rates.values).all()
    assert rates.values.any()
    if name in WITHOUT_SIGN:
        assert (rates.values >= 0).all()


@pytest.mark.parametrize("name", METHODS)
def test_the_cost_grows_with_the_number_of_demonstrations_where_it_is_said_to(name):
    few, many = (METHODS[name](of(n)) for n in (2, 4))
    # a path is as dear as it has nodes, whose number depends on the loss
    nodes = [int(x.method.split()[-2]) if name.startswith("aumann") else 1 for x in (few, many)]
    grew = many.cost * nodes[0] > few.cost * nodes[1]
    assert grew == (name in GROWING)


def test_the_default_is_one_of_them_and_does_not_grow():
    assert DEFAULT in METHODS
    assert DEFAULT not in GROWING | WITHOUT_SIGN
    assert score_demonstrations(of(2)).values.tolist() == METHODS[DEFAULT](of(2)).values.tolist()


def test_an_unknown_method_is_refused_with_the_names():
    with pytest.raises(ValueError, match="no method 'shap'; choose one of aumann-shapley, "):
        score_demonstrations(of(2), "shap")
