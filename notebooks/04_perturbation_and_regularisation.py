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
# # Perturb it, regularise it
#
# If attention is a step of gradient descent on the demonstrations, then questions about prompts become questions
# about training data. What does a wrong label do? What does noise in the keys do? And what is a *regulariser*, when
# nobody trains? Here each answer is computed twice. The prediction knows attention weights only and trains nothing;
# the measurement perturbs the training set, or regularises the dual, and trains it. Names in code font are claims.

# %%
# %matplotlib inline
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np

from lrgd_jax import DualModel, LinearAttention, SoftmaxAttention
from lrgd_jax.experiments import perturbation, regularisation
from lrgd_jax.report.tutorial_figures import key_noise_figure
from lrgd_jax.robust import (
    Problem,
    adversarial_perturbation,
    gaussian_noise,
    regularise,
    target_perturbation,
    worst_targets,
)
from lrgd_jax.robust.moments import dropout_moments
from lrgd_jax.robust.regularisers import anchor, clip, drop, fraction, ridge, weight_decay

jax.config.update("jax_enable_x64", True)
key = jax.random.key(0)
keys, values = jax.random.normal(key, (2, 8, 4))
values, query = values[:, :2], jax.random.normal(jax.random.key(1), (4,))
query = 2 * query / jnp.linalg.norm(query)
problem = Problem(SoftmaxAttention(), query, keys, values)

# %% [markdown]
# ## Wrong targets
#
# A value is a training target. If the targets move by $\delta_i$, the output moves by $\sum_i a_i\delta_i$, with
# $a_i$ the attention weights: exactly, not to first order (`target-perturbation`). So over all changes of length
# $\varepsilon$ the worst is $\varepsilon\sum_i|a_i|$. It is attained when all of them point one way. Softmax
# weights sum to one: the output cannot move further than the targets did.

# %%
noisy = target_perturbation(problem, gaussian_noise(key, values, 0.1)).output
worst = worst_targets(problem, 0.1, jnp.array([1.0, 0.0])).bound
search = adversarial_perturbation(key, problem, "values", 0.1).output
print("noise, predicted", noisy.predicted, "measured", noisy.measured)
for name, change in {"worst by formula": worst, "worst by search": search}.items():
    print(f"{name}: moved {change.measured:.6f}, bound {change.predicted:.6f}, ratio {change.tightness:.6f}")

# %% [markdown]
# ## Wrong keys
#
# A key is a training input. Linear attention without features moves by at most $\varepsilon\|q\|\sum_i\|v_i\|$,
# softmax attention by at most $D\tanh(\frac{s}{2}\varepsilon\|q\|)$, where $D$ is the largest distance of two
# values (`perturbation-bound`). Both are sharp: some prompts attain them. On *this* prompt, how far does a search
# by gradient ascent get?
#
# And noise that nobody aimed? Gaussian noise of deviation $\sigma$ multiplies every expected exponential by the
# same $e^{\sigma^2\|q\|^2/2d}$. So the ratio of expectations, $\mathbb E\,\tilde a / \mathbb E\,\tilde b$, is the
# attention without noise (`key-noise`). The expected ratio $\mathbb E[\tilde a/\tilde b]$, which is what a noisy
# prompt returns, is not: to second order its bias is $-t\sum_i p_i^2(v_i - o)$ with $t = \sigma^2\|q\|^2/d$.

# %%
radii, strengths, draws = np.array([0.03, 0.1, 0.3, 1.0, 3.0]), np.linspace(0.1, 0.6, 6), 200_000
problems = {"softmax": problem, "linear": Problem(LinearAttention(), query, keys, values)}
attacks = {
    name: [adversarial_perturbation(key, one, "keys", float(radius), steps=100).output for radius in radii]
    for name, one in problems.items()
}
output, shares = problem.output(), problem.shares()
slope = -jnp.sum(shares[:, None] ** 2 * (values - output), axis=0) * jnp.vdot(query, query) / 4
direction = slope / jnp.linalg.norm(slope)


def biases(number, strength):
    noise = jax.random.fold_in(key, number)
    logits = (keys + strength * jax.random.normal(noise, (draws, *keys.shape))) @ query / 2
    pairs = jnp.exp(logits) @ jnp.stack([values @ direction, jnp.ones(8)], axis=1)
    ratios, ratio = pairs[:, 0] / pairs[:, 1], pairs[:, 0].mean() / pairs[:, 1].mean()
    errors = (pairs[:, 0] - ratio * pairs[:, 1]) / pairs[:, 1].mean()
    return np.array([ratios.mean() - output @ direction, ratio - output @ direction, ratios.std(), errors.std()])


found = np.array([biases(*pair) for pair in enumerate(strengths)]).T
estimates = ("expected ratio", "ratio of expectations")
key_noise_figure(
    radii=radii,
    bounds={name: [x.predicted for x in made] for name, made in attacks.items()},
    found={name: [x.measured for x in made] for name, made in attacks.items()},
    strengths=strengths,
    predicted=dict(zip(estimates, (strengths**2 * jnp.linalg.norm(slope), 0 * strengths), strict=True)),
    measured=dict(zip(estimates, found[:2], strict=True)),
    spread=dict(zip(estimates, found[2:] / draws**0.5, strict=True)),
)

# %%
signs = (np.arange(256)[:, None] >> np.arange(8) & 1) * 2 - 1
all_signs = np.linalg.norm(signs @ values, axis=1).max() / np.linalg.norm(values, axis=1).sum()
for name, made in attacks.items():
    print(f"{name}: found / bound =", *(f"{attack.tightness:.3f}" for attack in made))
print(f"linear, by all 2^8 signs: {all_signs:.3f}")

# %% [markdown]
# For linear attention the answer is exact. The worst keys move along $\pm q$, one sign a token, and the search has
# found the best of all $2^8$ signs. It falls short of the bound because the values do not all lie on one line. For
# softmax the bound is that of the worst prompt: its weight lies about half and half on the two most distant values.
# On the right the marks are means over noisy prompts, with three standard errors; the line of the expected ratio is
# the second order, not a fit.
#
# ## Regularisers are attention
#
# Now regularise the dual's training. Each switch has two readings that do not know each other: one trains by
# `jax.grad`, the other changes attention's weights or values. They return the same output, here for a dual that
# starts from zero-shot weights $W_0 \ne 0$.

# %%
model = DualModel(jnp.eye(2, 4), keys, values)
kept = jnp.array([1.0, 0, 1, 1, 0, 1, 1, 1])
for switch in (fraction(0.5), weight_decay(0.2), anchor(0.2), ridge(1.0), clip(2.0), drop(kept)):
    both = regularise(model, query, switch)
    apart = float(jnp.abs(both.predicted - both.measured).max())
    print(f"{switch.name:12} {np.round(both.measured, 3)}, apart {apart:.0e}: {switch.attention}")

# %% [markdown]
# Weight decay is retention (`weight-decay-is-retention`). The anchor, a pull toward $W_0$, spares the zero-shot
# part (`anchored-regularisation`). Ridge and clipping change values (`ridge-attention`, `gradient-clipping`).
# Dropout deletes weights, and over all $2^8$ ways to drop demonstrations its moments are known
# (`demonstration-dropout`): the output moves by $-p\sum_i C_i$ on average, with covariance
# $p(1-p)\sum_i C_iC_i^\top$ and $C_i = v_i\,k_i^\top q$. Train on every subset and count.

# %%
rate, masks = 0.3, jnp.asarray((signs + 1) / 2)
chance = jnp.prod(masks * (1 - rate) + (1 - masks) * rate, axis=1)
moved = jax.vmap(lambda mask: (drop(mask).train(model) - model.train()) @ query)(masks)
theory = dropout_moments((keys @ query)[:, None] * values, rate)
print("mean shift:", chance @ moved, "counted,", theory.mean, "in closed form")
print(f"mean square: {chance @ jnp.sum(moved**2, axis=1):.12f} counted, {theory.mean_square:.12f} in closed form")

# %% [markdown]
# ## What regularising buys
#
# Noise on targets and keys and dropped demonstrations, at three strengths: how far does the output move, with and
# without a regulariser? Marks are duals trained anew for every one of 500 perturbations. Thick lines are exact,
# thin ones of first order.

# %%
kinds = ("target noise", "key noise", "dropout")
config = replace(perturbation.QUICK, samples=500, kinds=kinds, softmax_regularisers=())
rows = [row for unit in perturbation.units(config) for row in perturbation.run_unit(config, unit)]
perturbation.figure(config, rows)

# %% [markdown]
# A regularised output moves less. Under ridge, noise in the keys even moves it less than to first order. Such noise
# is itself a ridge of strength $N\sigma^2$ (`key-noise-is-ridge`), here up to $12\cdot 0.4^2 = 1.92$ beside
# $\lambda = 1$.
#
# To move less is half of the story, for an output that never moves is of no use. The other half is bias. Let the
# targets be a linear map of the keys plus noise, and split the test error.

# %%
config = replace(regularisation.QUICK, samples=4_000, every=1, knobs=("weight decay", "ridge", "dropout"))
rows = [row for unit in regularisation.units(config) for row in regularisation.run_unit(config, unit)]
regularisation.figure(config, rows)

# %%
regularisation.summary(config, rows)["best"]["ridge"]

# %% [markdown]
# Ridge has an optimum between variance and bias, where measurement and theory put it. Decay has none here: the
# demonstrations come in no particular order, so to forget the old ones is to forget at random. Dropout whose kept
# weights are scaled up adds variance and leaves the bias: a prompt that loses demonstrations at random answers the
# same on average, and worse each time.
#
# ## What this does not show
#
# - These are perturbations of the keys and values of *one* layer. A changed word changes them in every layer at
#   once, and no bound here is carried through a network.
# - The closed forms of linear attention, and of softmax attention before its ratio is taken, are exact. After the
#   ratio only bounds, first orders and the bias to second order are claimed.
# - Whether a language model's prompt is well served by ridge or by decay is not a question for algebra. The last
#   picture has data made to its assumptions.
