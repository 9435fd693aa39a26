# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Which gradient descent is it?
#
# One layer of linear attention is one step of gradient descent on the demonstrations. That leaves much open. A step
# on which loss? One step or many? With which learning rate, and is there momentum? Each answer is another attention
# form. And would a layer that is *trained* find any of them? All claims below are named as `lrgd claims` names
# them.

# %%
# %matplotlib inline
import warnings
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np

from lrgd_jax import LinearAttention, dual_of
from lrgd_jax.attention import DeltaRule, DescentAttention, MomentumAttention, Retention, RidgeAttention
from lrgd_jax.attention.stability import UnstableStepWarning, stability_limit
from lrgd_jax.certify import running_error
from lrgd_jax.experiments import constructed_vs_trained, steps_and_depth
from lrgd_jax.report.tutorial_figures import age_weights_figure, spectral_filter_figure

jax.config.update("jax_enable_x64", True)
keys, values = jax.random.normal(jax.random.key(0), (2, 12, 4))
keys, values = keys * jnp.array([0.55, 0.4, 0.3, 0.2]), values[:, :2]
query = jnp.ones((1, 4))

# %% [markdown]
# ## On which loss?
#
# Linear attention takes its step on the alignment $L(W) = -\sum_i v_i^\top W k_i$ (`linear-attention`). This loss
# is linear in $W$, so its gradient is the same everywhere, and the order of the demonstrations cannot matter
# (`order-and-batching`). The delta rule steps on the squared error $\frac{b}{2}\|Wk_t - v_t\|^2$, token after token
# (`delta-rule`). Its gradient depends on what is already known, and so do its steps on the order.

# %%
linear, delta = LinearAttention(causal=True), DeltaRule(strength=0.9)
for form in (linear, delta):
    dual = dual_of(form)
    apart = float(jnp.abs(form(query, keys, values) - dual(query, keys, values)).max())
    allowed = sum(running_error(side, query, keys, values).error.max() for side in (form, dual))
    reversed_order = float(jnp.abs(form(query, keys, values) - form(query, keys[::-1], values[::-1])).max())
    print(f"{type(form).__name__:16} from its dual {apart:.1e} (rounding: {allowed:.1e}),", end=" ")
    print(f"from the reversed order {reversed_order:.1e}")

# %% [markdown]
# Both forms agree with their duals up to rounding. Only the delta rule sees the order. What that is good for shows
# when one key is written twice, first with the value 1, then with 2. The step on the alignment adds the values up.
# The step on the squared error, here of the size that makes the error zero, replaces the first by the second.

# %%
unit = jnp.ones((1, 4)) / 2
twice, written = jnp.concatenate([unit, unit]), jnp.array([[1.0], [2.0]])
{type(form).__name__: float(form(unit, twice, written)[0, 0]) for form in (linear, DeltaRule(strength=1.0))}

# %% [markdown]
# ## How many steps?
#
# Take $T$ steps on all demonstrations at once, on $\frac12\sum_i\|Wk_i-v_i\|^2 + \frac\lambda2\|W\|^2$. In the
# eigenvectors of $K^\top K + \lambda I$ nothing mixes. Along a direction of curvature $h$ the share
# $1-(1-\eta h)^T$ of the ridge solution is learnt (`many-steps-is-a-spectral-filter`), and the end is ridge
# attention (`ridge-attention`). It is reached if $\eta < 2/h_{\max}$. Beyond that limit the error along the
# steepest direction grows with every step, and in the end it outgrows what the others have learnt.

# %%
ridge, counts = 0.05, np.array([1, 2, 4, 8, 16, 32])
curvature, directions = np.linalg.eigh(keys.T @ keys + ridge * np.eye(4))
limit = stability_limit(curvature[-1])
goal = RidgeAttention(ridge)(query, keys, values)


def attended(queries, steps, share):
    with warnings.catch_warnings(action="ignore", category=UnstableStepWarning):
        return DescentAttention(int(steps), share * limit, ridge)(queries, keys, values)


def learnt(steps):
    solved = RidgeAttention(ridge)(directions.T, keys, values)
    return np.sum(attended(directions.T, steps, 0.6) * solved, axis=1) / np.sum(solved**2, axis=1)


def left(steps, share):
    kept = directions @ ((1 - share * limit * curvature) ** steps * (directions.T @ query[0]))
    return np.linalg.norm(RidgeAttention(ridge)(kept[None], keys, values))


grid, shares = np.linspace(0, 1.3, 131), {f"{x:g} of the limit": x for x in (0.25, 0.5, 0.95, 1.05)}
spectral_filter_figure(
    grid=grid,
    curves={t: 1 - (1 - grid) ** t for t in (1, 2, 4, 16)},
    curvatures=0.6 * limit * curvature,
    learnt={t: learnt(t) for t in (1, 2, 4, 16)},
    steps=counts,
    predicted={name: [left(t, x) for t in counts] for name, x in shares.items()},
    measured={name: [np.linalg.norm(attended(query, t, x) - goal) for t in counts] for name, x in shares.items()},
)

# %% [markdown]
# Lines are the formula, marks are attention. Strong directions are learnt first, weak ones late: stopping early is
# a regulariser. A form that is about to diverge says so.

# %%
with warnings.catch_warnings(record=True, action="always") as caught:
    DescentAttention(steps=8, learning_rate=1.05 * limit, ridge=ridge)(query, keys, values)
print(caught[0].category.__name__, "\n", caught[0].message, sep="")

# %% [markdown]
# ## With momentum?
#
# On the alignment a heavy ball changes nothing but the weights (`momentum`). A token of age $a$ counts
# $1 + \mu + \dots + \mu^a$ times, for its gradient keeps rolling. Momentum does not forget, it delays; a decay of
# $W$ does the opposite (`weight-decay-is-retention`). The marks are no formula: the dual is trained with optax and
# its prediction differentiated by each token's value.


# %%
def by_age(form):
    slopes = jax.jacrev(lambda v: dual_of(form)(query, keys, v)[0, 0])(values)[:, 0]
    return np.asarray(slopes / (keys @ query[0]))


ages = np.arange(len(keys))[::-1]
rules = {
    "heavy ball, $\\mu = 0.8$": (MomentumAttention(0.8), (1 - 0.8 ** (ages + 1)) / 0.2),
    "Nesterov, $\\mu = 0.8$": (MomentumAttention(0.8, nesterov=True), (1 - 0.8 ** (ages + 2)) / 0.2),
    "plain steps": (linear, ages**0.0),
    "decay 0.8": (Retention(0.8), 0.8**ages),
}
age_weights_figure(
    predicted={name: weights for name, (_, weights) in rules.items()},
    measured={name: by_age(form) for name, (form, _) in rules.items()},
)

# %% [markdown]
# ## Layers
#
# In a transformer a step is a layer. With the right weights a layer of linear self-attention turns each target into
# the error that one step leaves (`least-squares-step`), so $K$ layers are $K$ steps (`layers-are-steps`). If they
# also shrink the inputs, they are GD++ (`gd-plus-plus`). How much does a layer buy, in new regression tasks of 5
# dimensions with 10 demonstrations? The lines need no training: the best rates are found from the spectra of random
# prompts. The crosses are layers that start from random weights and are trained, for some seconds, to predict.

# %%
small = {"dimension": 5, "demonstrations": 10, "steps": 600, "prompts": 8192}
depth = replace(steps_and_depth.QUICK, **small)
rows = [row for unit in steps_and_depth.units(depth) for row in steps_and_depth.run_unit(depth, unit)]
steps_and_depth.figure(depth, rows)

# %%
found = steps_and_depth.summary(depth, rows)
excess = found["excess loss of trained stacks"]
print(
    "layers and steps differ by",
    f"{found['largest difference of layers and steps, in units of the rounding bound']:.1e}",
)
print("of what rounding allows. Loss of trained layers over that of")
for layers in excess:
    print(f"  {layers} constructed:", ", ".join(f"{name} {x:+.1%}" for name, x in excess[layers].items()))

# %% [markdown]
# On the right the limit is back: at 1.5 or 2 times the best rate of one step, more layers make it worse. On the
# left, one trained layer reaches the loss of one step. Two trained layers do *not* stop at two steps of plain
# descent: they reach the loss of GD++.
#
# ## Is it the same learner?
#
# Equal losses do not make equal functions. So follow one layer while it trains. Compare its predictions with those
# of the constructed step, and how both react to the query. Rescale the inputs, which training never did. Walk
# through the weights in between.

# %%
config = replace(constructed_vs_trained.QUICK, layers=(1,), **small)
rows = [r for unit in constructed_vs_trained.units(config) for r in constructed_vs_trained.run_unit(config, unit)]
constructed_vs_trained.figure(config, rows)

# %%
final = constructed_vs_trained.summary(config, rows)["1 layer"]["against descent"]
{name: round(final[name], 4) for name in ("excess loss", "prediction cosine", "sensitivity cosine")}

# %% [markdown]
# ## What this does not show
#
# - The equalities are algebra and hold for every input. That a *trained* layer comes close is a measurement: one
#   seed, one distribution of tasks, linear attention, inputs without structure.
# - Nothing here says that a language model learns in context by these steps, or that it behaves like one that is
#   fine-tuned. That is another question, and the literature is divided on it.
# - The best rates are the best for this distribution. On larger inputs they overshoot, in the trained layer as in
#   the constructed one: the picture's third panel.
