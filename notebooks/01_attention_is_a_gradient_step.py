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
# # Attention is a gradient step
#
# A prompt holds demonstrations and a query. An attention layer mixes the demonstrations' values into its output for
# the query. The same number comes from a small model that takes **one step of gradient descent on the
# demonstrations** and is then asked about the query. Here we build the step by hand, let `dual_of` build it for
# softmax attention, and then break it on purpose to see that the check would have noticed.

# %%
# %matplotlib inline
import jax
import jax.numpy as jnp
import numpy as np
import optax

from lrgd_jax import SoftmaxAttention, dual_of
from lrgd_jax.attention import linear_attention
from lrgd_jax.certify import running_error
from lrgd_jax.claims import load_claims
from lrgd_jax.claims.compiled_shape import make_shape
from lrgd_jax.report.step_figures import path_figure
from lrgd_jax.report.verdict_figures import verdict_figure

jax.config.update("jax_enable_x64", True)

# %% [markdown]
# ## By hand
#
# Eight demonstrations and two tokens of the query's own, each with a key $k_i$ and a value $v_i$. The model is
# $f_W(x) = Wx$. It starts from $W_0 = \sum_{\text{own}} v_i k_i^\top$, and its loss on the demonstrations is
# $L(W) = -\frac1\eta\sum_{\text{demos}} v_i^\top W k_i$. The gradient is taken by `jax.grad` and the step by optax.

# %%
keys, values = jax.random.normal(jax.random.key(0), (2, 10, 3))
queries = jax.random.normal(jax.random.key(1), (4, 3))
rate, demos = 0.3, 8


def by_hand(queries, keys, values):
    def loss(w):
        return -jnp.sum(values[:demos] * (keys[:demos] @ w.T)) / rate

    w0 = values[demos:].T @ keys[demos:]
    step, _ = optax.sgd(rate).update(jax.grad(loss)(w0), optax.sgd(rate).init(w0))
    return queries @ jnp.asarray(optax.apply_updates(w0, step)).T


def distance_and_bound(left, right, *tokens):
    allowed = running_error(left, *tokens).error + running_error(right, *tokens).error
    return float(jnp.abs(left(*tokens) - right(*tokens)).max()), float(np.max(allowed))


distance_and_bound(linear_attention, by_hand, queries, keys, values)

# %% [markdown]
# The first number is the largest difference between attention and the model after its step. The second is how far
# rounding alone may drive them apart. It was not chosen: `running_error` reads it off the traced programs, the one that
# `jax.grad` produced included.
#
# ## Softmax
#
# Softmax attention compares by $\kappa(x, y) = e^{x^\top y/\sqrt d}$, so its model is a function in the space of that
# kernel, and the step is a functional one. `dual_of` builds it for any attention form.

# %%
attention = SoftmaxAttention()
dual = dual_of(attention)


def dual_output(queries, keys, values):
    return dual(queries, keys, values, demonstrations=demos)


distance_and_bound(attention, dual_output, queries, keys, values)

# %% [markdown]
# Take the step a little at a time: the prediction walks from the zero-shot output, which knows only the query's own
# tokens, to the output of attention.

# %%
model = dual.model(keys, values, demonstrations=demos)
before, after = model.initial_function(queries), model.train()(queries)
fractions = np.linspace(0, 1, 41)
raw = np.asarray(before) + fractions[:, None, None] * np.asarray(after - before)
path_figure(
    fractions=fractions,
    outputs=(raw[..., :-1] / raw[..., -1:])[:, :, 0],
    attended=np.asarray(attention(queries, keys, values))[:, 0],
    labels=[f"query {k + 1}, zero-shot" for k in range(len(queries))],
)

# %% [markdown]
# ## Break it
#
# Agreement means little unless disagreement would show. Each claim of the package carries mutants: plausible wrong
# versions of one side. Here is the claim `softmax-attention` with its mutants, eight random instances in each of three
# number formats. The claim must stay left of the line and every mutant must cross it.

# %%
claim = load_claims()["softmax-attention"]
ratios = {name: {} for name in ("the claim", *(mutant.name for mutant in claim.mutants))}
for dtype in ("float64", "float32", "bfloat16"):
    shape = make_shape(claim, 0, dtype, instances=8, seed=0)
    ratios["the claim"][dtype] = max(comparison.ratio for comparison in shape.comparisons())
    for mutant in claim.mutants:
        wrong = shape.mutant_comparisons(mutant, "uncompiled")
        ratios[mutant.name][dtype] = max(comparison.ratio for comparison in wrong)
verdict_figure(ratios)

# %% [markdown]
# In float64 a mutant is off by some $10^{14}$ times what rounding allows, in float32 by $10^5$. In bfloat16 the bound
# is so wide that the mutants come close to the line. So claims are checked in float64 and float32, and every check
# states its *detection limit*: the smallest relative error of a side that it would still notice.
