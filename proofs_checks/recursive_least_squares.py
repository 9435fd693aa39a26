"""Recursive least squares streams ridge attention: online Newton steps by Sherman-Morrison."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import optax

from lrgd_jax.attention import recursive_least_squares, ridge_attention
from lrgd_jax.claims import Claim, Misquotation, Mutant
from lrgd_jax.dual import DualModel, OnlineDescent, squared_error
from lrgd_jax.dual import recursive_least_squares as newton
from lrgd_jax.dual.descent import step
from lrgd_jax.positions import visible

FORMS = ("kernel form", "online dual")


def positive_ridge(ridge):
    return {"ridge": 0.25 + ridge * ridge}


def streamed(queries, keys, values, ridge):
    return dict.fromkeys(FORMS, recursive_least_squares(queries, keys, values, ridge))


def untrained(keys, values):
    return DualModel.untrained(keys, values, objective=squared_error)


def online(queries, keys, values, optimiser):
    """One step a token, with the token's input as the metric's own datum."""
    model = untrained(keys, values)

    def token(carry, sample):
        weights, state = carry
        key, value = sample
        batch = key[None], value[None], jnp.ones((1,), value.dtype)
        weights, state = step(model.loss, weights, optimiser, state, *batch, features=key)
        return (weights, state), weights

    start = model.initial_weights, optimiser.init(model.initial_weights)
    _, trajectory = jax.lax.scan(token, start, (keys, values))
    return jax.vmap(lambda w, q: model.predict(w, q[None])[0])(trajectory, queries)


def both(queries, keys, values, ridge, n):
    kernel = ridge_attention(queries, keys, values, ridge, mask=visible(n, n, causal=True))
    return dict(zip(FORMS, (kernel, online(queries, keys, values, newton(ridge))), strict=True))


def metric_one_token_late(queries, keys, values, ridge):
    """The gradient is multiplied by the inverse moment that the token has not entered yet."""
    proper = newton(ridge)

    def update(updates, state, params=None, *, features):
        _, later = proper.update(updates, state, params, features=features)
        return -(updates @ state.inverse), later

    late = optax.GradientTransformationExtraArgs(proper.init, update)  # pyright: ignore[reportArgumentType]
    return dict.fromkeys(FORMS, online(queries, keys, values, late))


def metric_never_updated(queries, keys, values, ridge):
    model = untrained(keys, values)
    weights = jnp.broadcast_to(1 / ridge, keys.shape[:1])
    trajectory = OnlineDescent(replace(model, sample_weights=weights)).trajectory()
    return dict.fromkeys(FORMS, jax.vmap(lambda w, q: model.predict(w, q[None])[0])(trajectory, queries))


def sees_the_future(queries, keys, values, ridge):
    return dict.fromkeys(FORMS, ridge_attention(queries, keys, values, ridge))


claim = Claim(
    slug="recursive-least-squares",
    title="Recursive least squares streams ridge attention",
    group="B",
    statement=r"""
Let $P_0 = I/\lambda$, $W_0 = 0$ and, token by token,
$$g_t = \frac{P_{t-1}k_t}{1+k_t^\top P_{t-1}k_t},\qquad P_t = P_{t-1} - g_tk_t^\top P_{t-1},\qquad
W_t = W_{t-1} + (v_t - W_{t-1}k_t)\,g_t^\top .$$
Then $W_tq_t$ is causal ridge attention, $V_{\le t}^\top(K_{\le t}K_{\le t}^\top + \lambda I)^{-1}K_{\le t}q_t$, and $W_t$ is the dual model trained
online with the inverse moment as its metric,
$$W_t = W_{t-1} - \nabla L_t(W_{t-1})\,P_t,\qquad L_t(W) = \tfrac12\|Wk_t-v_t\|^2,\qquad
P_t = \Big(\lambda I + \sum_{i\le t}k_ik_i^\top\Big)^{-1}.$$
""",
    assumptions=("$\\lambda > 0$",),
    proof=r"""
Sherman-Morrison: if $P_{t-1} = H_{t-1}^{-1}$ then $(H_{t-1} + k_tk_t^\top)^{-1} = P_{t-1} - P_{t-1}k_tk_t^\top P_{t-1}/(1+k_t^\top P_{t-1}k_t) = P_t$, and
$P_tk_t = P_{t-1}k_t/(1+k_t^\top P_{t-1}k_t) = g_t$. Hence $\nabla L_t(W)P_t = (Wk_t-v_t)k_t^\top P_t = (Wk_t-v_t)g_t^\top$: the stream is the online step.
If $W_{t-1}H_{t-1} = V_{<t}^\top K_{<t}$, then $W_tH_t = W_{t-1}H_t - (W_{t-1}k_t-v_t)k_t^\top = W_{t-1}H_{t-1} + v_tk_t^\top = V_{\le t}^\top K_{\le t}$; with $W_0H_0 = 0$
all $W_t = V_{\le t}^\top K_{\le t}H_t^{-1}$, the ridge solution (claim `ridge-attention`). $\square$
""",
    source="Sherman and Morrison 1950; Plackett 1950; as the mesa layer von Oswald et al. 2023, arXiv 2309.05858, section 4",
    arguments={"queries": "n d", "keys": "n d", "values": "n dv", "ridge": ""},
    dimensions={"n": (1, 4), "d": (1, 3), "dv": (1, 2)},
    shapes=({"n": 4, "d": 2, "dv": 2}, {"n": 3, "d": 3, "dv": 1}, {"n": 1, "d": 1, "dv": 1}),
    given=positive_ridge,
    left=streamed,
    right=both,
    mutants=(
        Mutant("the metric is one token late", metric_one_token_late),
        Mutant(
            "the metric is never updated (the delta rule)",
            metric_never_updated,
            quoted=Misquotation(
                says="The delta rule solves the least-squares problem of the tokens so far, online.",
                source="commonly read into Schlag et al. 2021, arXiv 2102.11174",
                rather="Recursive least squares does: the same gradient times the inverse second moment of all keys so far. The delta rule with a fixed metric only takes a step towards it.",
            ),
        ),
        Mutant("every query sees all tokens", sees_the_future),
    ),
)
