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
# # State and certify your own claim
#
# You have found a formula. Is it true, and is your code that formula? Here is one, from the question what a
# demonstration is worth: if softmax attention $o = \sum_i w_i v_i$ **forgets** its first demonstration, the output
# becomes
#
# $$o_{-1} = \frac{o - w_1 v_1}{1 - w_1},$$
#
# with no second pass over the prompt. We certify it, refute a wrong version, and keep the certificate.

# %%
# %matplotlib inline
import tempfile
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp

from lrgd_jax.attention import linear_attention, softmax_attention
from lrgd_jax.certify import equal, free
from lrgd_jax.claims import Claim, Mutant, check_claim
from lrgd_jax.claims.certificates import read_certificates, write_certificate
from lrgd_jax.claims.certify_claims import certify_claim
from lrgd_jax.claims.recheck import recheck
from lrgd_jax.features import elu_plus_one
from lrgd_jax.report.verdict_figures import detection_figure

jax.config.update("jax_enable_x64", True)


def without_the_first(query, keys, values):
    return softmax_attention(query[None], keys[1:], values[1:])[0]


def subtracted(query, keys, values):
    weights = jax.nn.softmax(keys @ query / jnp.sqrt(1.0 * query.shape[0]))
    return (weights @ values - weights[0] * values[0]) / (1 - weights[0])


# %% [markdown]
# ## Are they equal?
#
# `equal` traces both functions, as they are, and evaluates the traces in exact arithmetic: at random points of random
# prime fields, and in balls.

# %%
SHAPES = "query:d=3; keys:n=4,d; values:n,dv=2"
print(equal(without_the_first, subtracted, SHAPES))

# %% [markdown]
# They are not, and the search has shrunk the reason to the smallest shape and the plainest numbers. Look at it: the
# two sides scale their logits differently, and differ in the seventeenth digit. `softmax_attention` multiplies by the
# *literal* $1/\sqrt d$, rounded to a float; our function takes the root in the program. In floating point nobody
# would ever see it. So let us say the same thing in the same way, with $s$ a number that both sides are given.


# %%
def without_the_first(query, keys, values):
    return softmax_attention(query[None], keys[1:], values[1:], scale=0.5)[0]


def subtracted(query, keys, values):
    weights = jax.nn.softmax(keys @ query * 0.5)
    return (weights @ values - weights[0] * values[0]) / (1 - weights[0])


certificate = equal(without_the_first, subtracted, SHAPES)
print(certificate)

# %% [markdown]
# *Exact* says: for **all** queries, keys and values of these shapes, up to the stated probability. No value of $\exp$
# was used, only that $e^{x+y} = e^x e^y$; nor the value of the largest logit, which both sides subtract from
# different sets of logits.
#
# ## A wrong version, refuted
#
# Forget to divide by what is left of the weights, and the same call returns a counterexample.


# %%
def not_renormalised(query, keys, values):
    weights = jax.nn.softmax(keys @ query * 0.5)
    return weights @ values - weights[0] * values[0]


print(equal(without_the_first, not_renormalised, SHAPES))

# %% [markdown]
# ## A claim
#
# A `Claim` puts the formula on record: statement, proof, source, the two sides, and *mutants*, plausible wrong
# versions that every layer must reject.


# %%
def wrong_demonstration(query, keys, values):
    weights = jax.nn.softmax(keys @ query * 0.5)
    return (weights @ values - weights[0] * values[-1]) / (1 - weights[0])


claim = Claim(
    slug="forgetting-in-place",
    title="A demonstration is forgotten by subtracting its share",
    statement=r"$o_{-1} = (o - w_1 v_1) / (1 - w_1)$ for softmax weights $w$ and $o = \sum_i w_i v_i$.",
    proof=r"With $e_i = e^{s k_i^\top q}$: $o - w_1 v_1 = \sum_{i>1} e_i v_i / \sum_i e_i$,"
    r" and $1 - w_1 = \sum_{i>1} e_i / \sum_i e_i$.",
    source="elementary",
    assumptions=("at least two demonstrations",),
    arguments={"query": "d", "keys": "n d", "values": "n dv"},
    dimensions={"n": (2, 5), "d": (1, 3), "dv": (1, 3)},
    shapes=({"n": 5, "d": 3, "dv": 2}, {"n": 3, "d": 2, "dv": 1}, {"n": 2, "d": 1, "dv": 1}),
    left=without_the_first,
    right=subtracted,
    mutants=(Mutant("not renormalised", not_renormalised), Mutant("another's value", wrong_demonstration)),
)

# %% [markdown]
# ## In floating point
#
# The tolerance is derived from the two traced programs. *error/bound* below 1 means that rounding explains the
# difference.

# %%
for dtype in ("float64", "float32"):
    verdict = check_claim(claim, dtype=dtype)
    print(f"{dtype}: holds {verdict.holds}, error/bound {verdict.worst_ratio:.2g}", end=", ")
    print(f"would have noticed {verdict.detection_limit:.1g}, mutants rejected {[m.rejected for m in verdict.mutants]}")

# %% [markdown]
# ## In exact arithmetic
#
# The same claim, at all its shapes: in prime fields, in balls, and with its mutants.

# %%
found = certify_claim(claim)
print(found.exact, found.rigorous, *found.mutants, sep="\n")

# %% [markdown]
# ## What would each layer have noticed?
#
# We plant a relative fault of $2^{-k}$ in one side and ask every layer.


# %%
def with_fault(k):
    def faulty(query, keys, values):
        output = subtracted(query, keys, values)
        return output + output * 2.0**-k

    return replace(claim, right=faulty, shapes=claim.shapes[:1])


noticed = {"float32": {}, "float64": {}, "balls, 200 bits": {}, "prime fields": {}}
for k in (10, 20, 30, 40, 60, 100, 150):
    for dtype in ("float32", "float64"):
        noticed[dtype][k] = not check_claim(with_fault(k), dtype=dtype, instances=2, mutants=False).holds
    layers = certify_claim(with_fault(k), mutants=False)
    noticed["balls, 200 bits"][k] = layers.rigorous is None
    noticed["prime fields"][k] = layers.exact is None
detection_figure(noticed)

# %% [markdown]
# ## For every feature map at once
#
# The formula has nothing to do with $\exp$. With `free`, the feature map is a function of which nothing is known, and
# the certificate holds for all of them, also for one that compares numbers, which a prime field could not follow.

# %%
phi = free(elu_plus_one)


def forgets(query, keys, values):
    return linear_attention(query[None], keys[1:], values[1:], feature_map=phi, normalised=True)[0]


def subtracts(query, keys, values):
    similarities = jax.vmap(phi)(keys) @ phi(query)
    weights = similarities / jnp.sum(similarities)
    return (weights @ values - weights[0] * values[0]) / (1 - weights[0])


print(equal(forgets, subtracts, SHAPES))

# %% [markdown]
# ## Kept, and evaluated again
#
# A certificate is a small file. Whoever reads it need not believe it: `recheck` (or `lrgd recheck DIR`) evaluates the
# claim from scratch at other points of other fields, and says what has changed since.

# %%
with tempfile.TemporaryDirectory() as folder:
    write_certificate(Path(folder), claim, found)
    (kept,) = read_certificates(Path(folder))
    again = recheck(kept, {claim.slug: claim})
print("still certified:", again.certified, "| changes:", again.changes or "none")

# %% [markdown]
# Save the claim in a file of its own, and `lrgd verify --exact --claims-path FILE` checks it with all the others; in
# a test-suite, `test_forgetting = given_claim(claim)` is one line.
