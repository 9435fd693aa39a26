"""The delta rule with momentum swings: errors of a repeated pair turn in the complex plane."""

import jax
import jax.numpy as jnp

from lrgd_jax.claims import Claim, Misquotation, Mutant, alter


def swinging(key, radius, half):
    """A key and a root of the momentum away from zero, and an angle strictly between zero and a half turn."""
    return {
        "key": key.at[0].set(1 + key[0] * key[0]),
        "radius": 0.25 + radius * radius / (1 + radius * radius),
        "half": 0.25 + half * half,
    }


def cosine(half):
    """By the tangent of half the angle, so that cosine and sine are rational."""
    return (1 - half * half) / (1 + half * half)


def squared_error(memory, key, value):
    error = memory @ key - value
    return error @ error / 2


def layer(memory, key, value, radius, half, steps, look=0):
    """Heavy-ball steps on one pair that is shown again and again; the strength is set by the angle."""
    momentum = radius * radius
    size = 1 + momentum - 2 * radius * cosine(half)
    strength = size / (key @ key)
    velocity, errors = jnp.zeros_like(memory), []
    for _ in range(steps):
        gradient = jax.grad(squared_error)(memory + look * momentum * velocity, key, value)
        velocity = momentum * velocity - strength * gradient
        memory = memory + velocity
        errors.append(memory @ key - value)
    return jnp.stack(errors)


def turned(memory, key, value, radius, half, steps, shrink=lambda radius: radius):
    """The error times the real part of (1 + i s) z^t, z a complex number of this radius and angle."""
    c, sine = cosine(half), 2 * half / (1 + half * half)
    slope = (c - radius) / sine
    real, imaginary, factors = jnp.ones_like(radius), jnp.zeros_like(radius), []
    for _ in range(steps):
        real, imaginary = (shrink(radius) * x for x in (real * c - imaginary * sine, real * sine + imaginary * c))
        factors.append(real + slope * imaginary)
    return jnp.outer(jnp.stack(factors), memory @ key - value)


def no_momentum(memory, key, value, radius, half, steps):
    size = 1 + radius * radius - 2 * radius * cosine(half)
    return jnp.outer(jnp.stack([(1 - size) ** (t + 1) for t in range(steps)]), memory @ key - value)


claim = Claim(
    slug="momentum-delta-rule",
    title="The delta rule with momentum swings, and its errors shrink by the root of the momentum",
    group="B",
    statement=r"""
Let a memory take heavy-ball steps $V\leftarrow\mu V - b\,(Sk-v)k^\top$, $S\leftarrow S+V$ from $V = 0$ on one pair that is shown again and again, and $s = b\|k\|^2$. If $(1-\sqrt\mu)^2 < s < (1+\sqrt\mu)^2$, the error after $t$ steps is
$$S_tk-v = \mu^{t/2}\Big(\cos t\theta + \frac{\cos\theta-\sqrt\mu}{\sin\theta}\,\sin t\theta\Big)(S_0k-v),\qquad 2\sqrt\mu\cos\theta = 1+\mu-s :$$
two complex modes $\sqrt\mu\,e^{\pm i\theta}$. Their size does not depend on the strength $b$; the angle does.
""",
    assumptions=(
        "$0 < \\mu < 1$ (the identity needs $\\mu > 0$ alone)",
        "one key, not zero; no decay of the memory",
    ),
    proof=r"""
$S_t = S_{t-1} + \mu(S_{t-1}-S_{t-2}) - b(S_{t-1}k-v)k^\top$, so the error obeys $e_t = (1+\mu-s)\,e_{t-1} - \mu e_{t-2}$ with $e_1 = (1-s)e_0$. The roots of $z^2-(1+\mu-s)z+\mu$ have the product $\mu$ and the sum
$2\sqrt\mu\cos\theta$; they are complex exactly for the stated $s$. The stated sequence solves the recursion; at $t = 0$ it is $e_0$, and at $t = 1$ it is $\sqrt\mu\,(2\cos\theta-\sqrt\mu)\,e_0 = (1-s)\,e_0$. $\square$
""",
    source="the rule: Huang et al. 2026, arXiv 2605.05838, whose abstract names complex conjugate eigenvalues; heavy ball: Polyak 1964; this closed form is elementary",
    arguments={"memory": "dv d", "key": "d", "value": "dv", "radius": "", "half": ""},
    dimensions={"d": (1, 2), "dv": (1, 2), "steps": (2, 4)},
    shapes=({"d": 2, "dv": 2, "steps": 3}, {"d": 1, "dv": 1, "steps": 4}),
    given=swinging,
    left=layer,
    right=turned,
    mutants=(
        Mutant(
            "errors shrink by the momentum itself",
            alter(turned, shrink=lambda radius: radius * radius),
            quoted=Misquotation(
                says="With momentum mu the memory's errors fade like mu^t, or as fast as the write strength lets them.",
                source="commonly read into momentum layers such as arXiv 2605.05838 from the plain delta rule's factor 1 - b |k|^2",
                rather="In the range where they swing they fade like mu^(t/2), whatever the strength: it turns the modes, and does not shrink them.",
            ),
        ),
        Mutant("no momentum", no_momentum),
        Mutant("gradients with a look-ahead", alter(layer, look=1), "left"),
    ),
)
