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
# # Which optimiser is this layer?
#
# A recurrent layer updates a matrix $S$ with every token. "It does gradient descent" is then quickly said: on which
# loss? That there is *any* can be decided, since a map $F$ is the gradient of a loss exactly if its Jacobian is
# symmetric everywhere. We ask it of four updates, find their losses or what shows that there is none, certify
# attention against its dual, and look at the spectrum of a step.

# %%
# %matplotlib inline
import jax
import jax.numpy as jnp
import numpy as np

from lrgd_jax import DeltaRule, dual_of
from lrgd_jax.certify import Conservative, equal, is_gradient
from lrgd_jax.report.knob import Knob
from lrgd_jax.report.tutorial_figures import spectrum_figure

jax.config.update("jax_enable_x64", True)
SHAPES = "S:dv=1,dk=2; k:dk; v:dv"


def brief(answer):
    hidden = "    ", "  real numbers", "  program", "  seed", "  shapes"
    print("\n".join(line for line in str(answer).splitlines() if not line.startswith(hidden)))


# %% [markdown]
# ## The delta rule
#
# Write the update as it is. With `step=True` we say that it returns the new state $S'$, so that the loss is that of
# $S - S'$.


# %%
def delta(S, k, v):
    return S - jnp.outer(S @ k - v, k)


verdict = is_gradient(delta, SHAPES, wrt="S", step=True)
brief(verdict)

# %% [markdown]
# The loss is the integral of the update along the line from zero, and was certified by differentiating it again. Up
# to what does not depend on $S$ it is half the squared error. Let us check that, with another certificate.


# %%
def squared_error(S, k, v):
    return (jnp.sum((S @ k - v) ** 2) - jnp.sum(v**2)) / 2


if isinstance(verdict, Conservative):
    brief(equal(verdict.loss, squared_error, SHAPES))

# %% [markdown]
# ## A gate on the key
#
# Gated DeltaNet-2 reads with $b\odot k$ and writes with $k$. It looks like the delta rule, and is the gradient of no
# loss. The witness is small: two entries of the Jacobian that ought to be equal.


# %%
def gated(S, k, v, b):
    return S - jnp.outer(S @ (b * k) - v, k)


brief(is_gradient(gated, SHAPES + "; b:dk", wrt="S"))

# %% [markdown]
# It is *preconditioned* descent: measured by $\langle T, U\rangle_b = \sum_{ij} T_{ij} b_j U_{ij}$, which depends on
# the gate, it does go downhill. If the gate is the same for all tokens, the metric need not be guessed:
# `metric="any"` solves a linear system for it. If the gate changes from token to token, no metric serves them all.


# %%
def by_gate(tangent, b):
    return tangent * b[None, :]


def gated_alike(S, k, v):
    return gated(S, k, v, jnp.array([1.0, 2.0]))


brief(is_gradient(gated, SHAPES + "; b:dk", wrt="S", metric=by_gate))
brief(is_gradient(gated_alike, SHAPES, wrt="S", metric="any"))
brief(is_gradient(gated, SHAPES + "; b:dk", wrt="S", metric="any"))

# %% [markdown]
# ## Momentum
#
# A heavy ball moves weights and velocity together. As a map of the pair it is no gradient; but a constant metric is
# found under which it is one. That metric is *indefinite*: what the map follows goes down in the weights and up in
# the velocity, which is no descent. So ask for the signs before you say "descent under some metric".


# %%
def heavy_ball(Z, k, v, kept=0.5):
    weights, velocity = Z
    faster = kept * velocity - jax.grad(lambda w: jnp.sum((w @ k - v) ** 2))(weights)
    return jnp.stack([weights + faster, faster])


brief(is_gradient(heavy_ball, "Z:2,dv=1,dk=1; k:dk; v:dv", wrt="Z", metric="any"))

# %% [markdown]
# ## The layer and its dual
#
# One update is a loss; a layer is many, read by a query. `dual_of` writes down the learner, and `equal` certifies
# that both are the same function, for all queries, keys and values of these shapes.

# %%
layer = DeltaRule(strength=0.5)
dual = dual_of(layer)
certificate = equal(
    lambda q, k, v: layer(q, k, v), lambda q, k, v: dual(q, k, v), {"q": (1, 2), "k": (3, 2), "v": (3, 1)}
)
brief(certificate)

# %% [markdown]
# ## The spectrum
#
# Where the Jacobian of a step is symmetric, its eigenvalues are real, and a mode of the error shrinks if its own
# lies within $\pm1$. The delta rule's strength $b$ with a key of length one puts one eigenvalue at $1-b$: turn the
# knob. Momentum has complex ones, which ring, so no definite metric makes a gradient of it. The gate keeps them real,
# as its metric is definite.


# %%
def eigenvalues(update, state, *arguments):
    flat = jax.jacfwd(lambda x: update(x.reshape(state.shape), *arguments).ravel())(state.ravel())
    return np.linalg.eigvals(np.asarray(flat))


def strong(S, k, v, b):
    return S - b * jnp.outer(S @ k - v, k)


k, v, S, Z = jnp.array([0.6, 0.8]), jnp.ones(1), jnp.zeros((1, 2)), jnp.zeros((2, 1, 2))
gate = {"gated key, b = (1/2, 1)": eigenvalues(gated, S, k, v, jnp.array([0.5, 1.0]))}
Knob(
    "strength b of the delta rule",
    {
        f"{b:g}": spectrum_figure({"delta rule": eigenvalues(strong, S, k, v, b), **gate})
        for b in (0.25, 0.5, 1.0, 1.5, 1.9, 2.0, 2.1, 2.4)
    },
    start="0.5",
)

# %% [markdown]
# The gated key stands still, for comparison. From $b = 2$ on an eigenvalue has left the circle: the step overshoots
# and the error grows. The same for the heavy ball, by the share of its velocity that a step keeps:

# %%
Knob(
    "share of the velocity that is kept",
    {
        f"{f:g}": spectrum_figure({"heavy ball": eigenvalues(heavy_ball, Z, 0.7 * k, v, f)})
        for f in np.linspace(0, 1, 11)
    },
    start="0.5",
)

# %% [markdown]
# Without velocity the modes are real. With more of it two of them meet and leave the axis: they ring, and the more is
# kept, the longer. Which share gives the smallest largest eigenvalue? Turn, and then ask `is_gradient` what the map of
# the pair is there. Now write an update of your own into a file, and `lrgd gradient mine.py:update --wrt S --shapes
# "..."` asks the same of it. The verdicts on two dozen updates are on the page *Which optimiser is this update*.
