"""Which updates are gradients: a table of those that people call gradient descent, and wrong questions."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrgd_jax.certify.gradients import Conservative, Rotational, Undecided, is_gradient
from lrgd_jax.certify.gradients.line_integral import integration_weights

TOKEN = "S:dv=2,dk=2; k:dk; v:dv"


def delta(S, k, v):
    return S - jnp.outer(S @ k - v, k)


def gated_delta(S, k, v, g):
    return g * S - jnp.outer(g * (S @ k) - v, k)


def gated_delta_error_before_decay(S, k, v, g):
    return g * S - jnp.outer(S @ k - v, k)


def gated_delta_net_2(S, k, v, b, w):
    return S - jnp.outer(S @ (b * k) - w * v, k)


def rwkv_7(S, k, v, removal, rate, decay):
    return S * decay[None, :] - jnp.outer(S @ removal, rate * removal) + jnp.outer(v, k)


def hebb(S, k, v):
    return S + jnp.outer(v, k)


def oja(S, x):
    y = S @ x
    return S + y * (x - y * S)


def momentum_of_the_pair(Z, k, v):
    weights, velocity = Z
    faster = velocity / 2 - jax.grad(lambda w: jnp.sum((w @ k - v) ** 2))(weights)
    return jnp.stack([weights + faster, faster])


def adam_first_step(S, k, v):
    gradient = jax.grad(lambda w: jnp.sum((w @ k - v) ** 2))(S)
    return -gradient / (jnp.sqrt(gradient**2) + 1)


def sign_descent(S, k, v):
    return -jnp.sign(jax.grad(lambda w: jnp.sum((w @ k - v) ** 2))(S))


def cross_entropy(S, k, v):
    return jnp.outer(jax.nn.softmax(S @ k) - v, k)


def cross_entropy_by_autodiff(S, k, v):
    return jax.grad(lambda w: jax.nn.logsumexp(w @ k) - v @ (w @ k))(S)


def kernel_step(C, x, y):
    gram = x @ x.T
    return C - (gram @ C - y)


def decayed_full_batch(S, x, y, g):
    return g * S - jax.grad(lambda w: jnp.sum((x @ w.T - y) ** 2))(S)


def decay_of_each_feature(S, k, v, decay):
    return S * decay[None, :] + jnp.outer(v, k)


def newton_schulz(S):
    return 1.5 * S - 0.5 * S @ S.T @ S


def preconditioned(S, k, v, scales):
    return jnp.outer(S @ k - v, k * scales)


def hopfield(q, X):
    return jax.nn.softmax(X @ q) @ X


def cross_attention(q, X, Y):
    return jax.nn.softmax(X @ q) @ Y


def recurrent(S, W):
    return jnp.tanh(W @ S)


def one_sided_penalty(S, k, v):
    return jax.grad(lambda w: jnp.sum((w @ k - v) ** 2))(S) + jnp.maximum(S, 0)


def vortex(S):
    return jnp.stack([-S[1], S[0]]) / jnp.sum(S**2)


def by_b(tangent, b):
    return tangent * b[None, :]


def by_inverse_scales(tangent, scales):
    return tangent / scales[None, :]


@pytest.mark.parametrize(
    ("update", "shapes", "wrt", "metric", "expected", "degree"),
    [
        (delta, TOKEN, "S", None, Conservative, 1),
        (gated_delta, TOKEN + "; g:", "S", None, Conservative, 1),
        # a gradient too, of another loss than the one that it is usually given
        (gated_delta_error_before_decay, TOKEN + "; g:", "S", None, Conservative, 1),
        (gated_delta_net_2, TOKEN + "; b:dk; w:dv", "S", None, Rotational, None),
        (gated_delta_net_2, TOKEN + "; b:dk; w:dv", "S", by_b, Conservative, 1),
        (rwkv_7, TOKEN + "; removal:dk; rate:dk; decay:dk", "S", None, Rotational, None),
        (hebb, TOKEN, "S", None, Conservative, 1),
        (oja, "S:d=2; x:d", "S", None, Rotational, None),
        (momentum_of_the_pair, "Z:2,dv=1,dk=2; k:dk; v:dv", "Z", None, Rotational, None),
        (adam_first_step, TOKEN, "S", None, Rotational, None),
        (sign_descent, TOKEN, "S", None, Undecided, None),
        (cross_entropy, "S:dv=2,dk=1; k:dk; v:dv", "S", None, Conservative, None),
        # JAX's logsumexp compares and takes signs, of numbers that are always positive; that is not seen
        (cross_entropy_by_autodiff, "S:dv=2,dk=1; k:dk; v:dv", "S", None, Undecided, None),
        (kernel_step, "C:n=3,u=1; x:n,d=2; y:n,u", "C", None, Conservative, 1),
        (decayed_full_batch, "S:dv=1,dk=2; x:n=2,dk; y:n,dv; g:", "S", None, Conservative, 1),
        (decay_of_each_feature, TOKEN + "; decay:dk", "S", None, Conservative, 1),
        (newton_schulz, "S:n=2,d=2", "S", None, Conservative, 3),
        (preconditioned, TOKEN + "; scales:dk above 0", "S", None, Rotational, None),
        (preconditioned, TOKEN + "; scales:dk above 0", "S", by_inverse_scales, Conservative, 1),
        (hopfield, "q:d=2; X:n=2,d", "q", None, Conservative, None),
        (cross_attention, "q:d=2; X:n=2,d; Y:n,d", "q", None, Rotational, None),
        (recurrent, "S:n=2; W:n,n", "S", None, Rotational, None),
        (one_sided_penalty, "S:dv=1,dk=2; k:dk; v:dv", "S", None, Conservative, 1),
    ],
)
def test_updates_that_are_called_gradient_descent(update, shapes, wrt, metric, expected, degree):
    decided = is_gradient(update, shapes, wrt=wrt, metric=metric)
    assert isinstance(decided, expected), str(decided)
    assert bool(decided) == (expected is Conservative)
    json.dumps(decided.as_dict())
    if isinstance(decided, Conservative):
        assert (decided.loss and decided.loss.degree) == degree
        assert decided.metric == (metric and metric.__name__)
    if isinstance(decided, Rotational):
        first, second = decided.entries
        assert first != second
        assert decided.derivatives[0] != decided.derivatives[1]
        assert f"d{update.__name__}{list(first)}/d{wrt}{list(second)}" in str(decided)


def test_a_step_is_taken_on_the_loss_that_is_returned():
    decided = is_gradient(delta, TOKEN, wrt="S", step=True)
    assert isinstance(decided, Conservative)
    loss = decided.loss
    assert loss is not None
    with jax.enable_x64(True):
        S, k, v = jnp.array([[1.0, 2.0], [0.0, 1.0]]), jnp.array([1.0, -1.0]), jnp.array([3.0, 0.5])
        # half the squared error, up to what does not depend on the state; whole and half numbers, so nothing is rounded
        known = jnp.sum((S @ k - v) ** 2) / 2 - jnp.sum(v**2) / 2
        assert float(loss(S, k, v)) == float(known)
        assert np.array_equal(S - jax.grad(loss)(S, k, v), delta(S, k, v))


def test_a_pole_may_be_wound_around():
    decided = is_gradient(vortex, "S:2", wrt="S")
    assert isinstance(decided, Conservative)
    assert decided.loss is None
    assert [pole.kind for pole in decided.poles] == ["pole"]
    assert "wind around a pole" in str(decided)


@pytest.mark.parametrize("degree", range(9))
def test_the_weights_integrate_every_power_up_to_the_degree(degree):
    weights = integration_weights(degree)
    for power in range(degree + 1):
        assert sum(w * node**power for node, w in enumerate(weights)) * (power + 1) == 1


@pytest.mark.parametrize(
    ("update", "shapes", "options", "message"),
    [
        (delta, TOKEN, {"wrt": "W"}, "the state 'W' has no shape; wrt names one of the arguments S, k, v"),
        (delta, "S:dv=2,dk=2 below 3; k:dk; v:dv", {"wrt": "S"}, "holds integers"),
        (delta, "S:dv=2,dk=2 above 0; k:dk; v:dv", {"wrt": "S"}, "needs all of R"),
        (lambda S, k: S @ k, "S:dv=2,dk=3; k:dk", {"wrt": "S"}, r"returns \[2\]; expected .* \[2, 3\]"),
        (lambda S: (S, S), "S:2", {"wrt": "S"}, "expected an array of the shape"),
        (delta, TOKEN, {"wrt": "S", "metric": lambda tangent, S: tangent * S}, "depends on the state"),
        (delta, TOKEN, {"wrt": "S", "metric": lambda tangent, k: tangent * 0}, "singular"),
        (delta, TOKEN, {"wrt": "S", "metric": lambda tangent: tangent**3}, "not linear"),
        (delta, TOKEN, {"wrt": "S", "metric": lambda tangent: jnp.cumsum(tangent, 1)}, "not symmetric"),
        (lambda left_tangent: left_tangent, "left_tangent:2", {"wrt": "left_tangent"}, "rename it"),
    ],
)
def test_wrong_questions(update, shapes, options, message):
    with pytest.raises(ValueError, match=message):
        is_gradient(update, shapes, **options)
