"""Five layers as closed-form online learners: each minimises an objective of its own, and only one of them is a fit."""

import jax
import jax.numpy as jnp

from lrgd_jax.claims import Claim, Misquotation, Mutant, alter


def positive_strength(strength):
    return {"strength": 0.25 + strength * strength}


def updates(memory, key, value, strength, decay):
    """The layers' updates, as they are run."""
    unit = jnp.eye(key.shape[0], dtype=key.dtype)
    erased = unit - strength * jnp.outer(key, key)
    size = strength / (1 + strength * (key @ key))
    written = jnp.outer(value, key)
    return {
        "linear attention": memory + written,
        "Mamba2": decay * memory + written,
        "Longhorn": memory @ (unit - size * jnp.outer(key, key)) + size * written,
        "DeltaNet": memory @ erased + strength * written,
        "Gated DeltaNet": decay * memory @ erased + strength * written,
    }


def near(weights, memory):
    return jnp.sum((weights - memory) ** 2)


def correlation(weights, key, value):
    return -2 * value @ (weights @ key)


def error_of(memory, key, value):
    return value - memory @ key


def minimiser(objective, start, inverse=None):
    """From the start by one Newton step: half the gradient, times the inverse of the rest of the curvature."""
    half = jax.grad(objective)(start) / 2
    return start - (half if inverse is None else half @ inverse)


def minimisers(memory, key, value, strength, decay, undecayed=0):
    """What minimises the written objectives; `undecayed` is the share of the old memory in the gated rule's error."""
    unit = jnp.eye(key.shape[0], dtype=key.dtype)
    faded = decay * memory
    delta = strength * error_of(memory, key, value)
    gated = strength * error_of(faded + undecayed * (memory - faded), key, value)

    def fit(weights):
        return near(weights, memory) + strength * jnp.sum((weights @ key - value) ** 2)

    return {
        "linear attention": minimiser(lambda w: near(w, memory) + correlation(w, key, value), memory),
        "Mamba2": minimiser(lambda w: near(w, faded) + correlation(w, key, value), memory),
        "Longhorn": minimiser(fit, memory, jnp.linalg.inv(unit + strength * jnp.outer(key, key))),
        "DeltaNet": minimiser(lambda w: near(w, memory) + correlation(w, key, delta), memory),
        "Gated DeltaNet": minimiser(lambda w: near(w, faded) + correlation(w, key, gated), memory),
    }


def all_fit(memory, key, value, strength, decay):
    """DeltaNet, too, as if it minimised the distance to the old memory and the squared error of the new one."""
    learners = minimisers(memory, key, value, strength, decay)
    return {**learners, "DeltaNet": learners["Longhorn"]}


def decay_in_both(memory, key, value, strength, decay):
    learners = minimisers(memory, key, value, strength, decay)
    return {**learners, "linear attention": learners["Mamba2"]}


claim = Claim(
    slug="online-learners",
    title="Five layers are online learners, each with an objective of its own",
    group="B",
    statement=r"""
With a strength $b$, a decay $a$ and $\varepsilon = b/(1+b\|k\|^2)$, each memory $S'$ is the only minimiser over $W$ of the objective beside it:

- linear attention, $S + vk^\top$: $\ \|W-S\|^2 - 2\langle Wk, v\rangle$;
- Mamba2, $aS + vk^\top$: $\ \|W-aS\|^2 - 2\langle Wk, v\rangle$;
- Longhorn, $S(I-\varepsilon kk^\top) + \varepsilon vk^\top$: $\ \|W-S\|^2 + b\,\|Wk-v\|^2$;
- DeltaNet, $S(I-bkk^\top) + bvk^\top$: $\ \|W-S\|^2 - 2b\,\langle Wk, v-Sk\rangle$;
- Gated DeltaNet, $aS(I-bkk^\top) + bvk^\top$: $\ \|W-aS\|^2 - 2b\,\langle Wk, v-aSk\rangle$.

Only Longhorn's objective measures the error of $W$. The two delta rules correlate $W$ with the error of the memory *before* the step: their objective is the squared error made linear there.
""",
    assumptions=("$b > 0$ (for Longhorn's objective to be convex); none on $a$",),
    proof=r"""
Half the gradients are $W - S_0 - vk^\top$ with $S_0 = S$ or $aS$; $W - S_0 - b(v-S_0k)k^\top$ for the delta rules; $W(I+bkk^\top) - S - bvk^\top$ for Longhorn. The first three kinds vanish at the update
as it stands; in the last $(I+bkk^\top)^{-1} = I-\varepsilon kk^\top$ and $bk^\top(I-\varepsilon kk^\top) = \varepsilon k^\top$. Each objective is strictly convex. $\square$

For the delta rules $-2b\langle Wk, v-S_0k\rangle$ is $b\,\|Wk-v\|^2$ in first order of $W-S_0$, up to a constant: an explicit step, where Longhorn's is implicit (`proximal-delta-rule`). The right side finds each minimiser by one
Newton step, its gradient by `jax.grad`.
""",
    source="Yang et al. 2024, arXiv 2412.06464, table 1, as public notes restate it; Longhorn: Liu et al. 2024, arXiv 2407.14207",
    arguments={"memory": "dv d", "key": "d", "value": "dv", "strength": "", "decay": ""},
    dimensions={"d": (1, 3), "dv": (1, 2)},
    shapes=({"d": 2, "dv": 2}, {"d": 1, "dv": 1}),
    given=positive_strength,
    left=updates,
    right=minimisers,
    mutants=(
        Mutant(
            "DeltaNet minimises the squared error of the new memory",
            all_fit,
            quoted=Misquotation(
                says="DeltaNet's update is the closed-form minimiser of |W - S|^2 + b |W k - v|^2.",
                source="commonly read into the online-learning view of Yang et al. 2024, arXiv 2412.06464",
                rather="That is Longhorn, with the step b/(1 + b |k|^2). DeltaNet minimises |W - S|^2 - 2b <W k, v - S k>: the error is the old memory's and does not depend on W.",
            ),
        ),
        Mutant("the gated rule's error is that of the memory before the decay", alter(minimisers, undecayed=1)),
        Mutant("linear attention forgets as well", decay_in_both),
    ),
)
