"""Small duals and attention problems that the tests of this folder share."""

import jax.numpy as jnp
import numpy as np

from lrgd_jax.attention import LinearAttention, Rotary, SoftmaxAttention
from lrgd_jax.dual import DualModel, FunctionalDual, KernelExpansion, projective_targets
from lrgd_jax.features import elu_plus_one
from lrgd_jax.robust import Problem, problem_of

N, D, DV = 5, 4, 2

FORMS = {
    "linear": LinearAttention(),
    "linear elu+1": LinearAttention(elu_plus_one),
    "linear normalised": LinearAttention(elu_plus_one, normalised=True),
    "linear rotary": LinearAttention(causal=True, rotary=Rotary()),
    "softmax": SoftmaxAttention(),
    "softmax alibi window": SoftmaxAttention(alibi_slope=0.5, window=3),
    "softmax rotary": SoftmaxAttention(causal=True, rotary=Rotary()),
}


def arrays(seed, *shapes, dtype: type = np.float64):
    rng = np.random.default_rng(seed)
    return tuple(jnp.asarray(rng.standard_normal(shape), dtype) for shape in shapes)


def tokens(seed):
    """A query, keys, values, and as many context keys and values as two tokens have."""
    return arrays(seed, (D,), (N, D), (N, DV), (2, D), (2, DV))


def linear_dual(keys, values, context_keys, context_values):
    return DualModel(context_values.T @ context_keys, keys, values, learning_rate=0.25)


def softmax_dual(keys, values, context_keys, context_values):
    start = KernelExpansion(context_keys, projective_targets(context_values))
    return FunctionalDual(start, keys, projective_targets(values), learning_rate=0.25)


DUALS = {"linear": linear_dual, "softmax": softmax_dual}


def problem(name, query, keys, values, context_keys, context_values):
    """A form's problem, or that of a dual with a zero-shot context ("dual linear", "dual softmax")."""
    if name in FORMS:
        return Problem(FORMS[name], query, keys, values)
    model = DUALS[name.removeprefix("dual ")](keys, values, context_keys, context_values)
    return problem_of(model, query)


PROBLEMS = (*FORMS, "dual linear", "dual softmax")
