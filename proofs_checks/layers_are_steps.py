"""K layers with constructed weights are K gradient steps."""

import jax.numpy as jnp
import optax

from lrgd_jax.claims import Claim, Misquotation, Mutant, alter
from lrgd_jax.dual.descent import step
from lrgd_jax.incontext import apply, descent_stack, prompt


def layers(initial, inputs, targets, query, rates, n, d, dv, k, *, context=None):
    stack = descent_stack([rates[j] for j in range(k)], d, n, outputs=dv, dtype=inputs.dtype)
    tokens = prompt(inputs, targets - inputs @ initial.T, query, -(initial @ query))
    tokens = apply(stack, tokens, context=context)
    return {"query": -tokens[-1, d:], "residuals": tokens[:n, d:]}


def query_is_a_key(initial, inputs, targets, query, rates, n, d, dv, k):
    return layers(initial, inputs, targets, query, rates, n, d, dv, k, context=n + 1)


def mean_squares(weights, inputs, targets):
    return jnp.sum((inputs @ weights.T - targets) ** 2) / (2 * inputs.shape[0])


def total_squares(weights, inputs, targets):
    return jnp.sum((inputs @ weights.T - targets) ** 2) / 2


def after(weights, inputs, targets, query):
    return {"query": weights @ query, "residuals": targets - inputs @ weights.T}


def steps(initial, inputs, targets, query, rates, k, loss=mean_squares):
    weights = initial
    for j in range(k):
        optimiser = optax.sgd(rates[j])
        weights, _ = step(loss, weights, optimiser, optimiser.init(weights), inputs, targets)
    return after(weights, inputs, targets, query)


def always_the_first_gradient(initial, inputs, targets, query, rates):
    optimiser = optax.sgd(jnp.sum(rates))
    weights, _ = step(mean_squares, initial, optimiser, optimiser.init(initial), inputs, targets)
    return after(weights, inputs, targets, query)


claim = Claim(
    slug="layers-are-steps",
    title="K layers of linear self-attention can be K gradient steps",
    group="B",
    statement=r"""
Let $L(W) = \frac{1}{2N}\sum_{i\le N}\|Wx_i - y_i\|^2$ and $W_k = W_{k-1} - \eta_k\nabla L(W_{k-1})$, $k = 1..K$. On the
tokens $[x_j;\,y_j - W_0x_j]$ and the query $[x_q;\,-W_0x_q]$, to which nobody attends, K layers with the weights of
*least-squares-step* ($0$ in place of $W_0$, rate $\eta_k$ in layer $k$) end at $[x_j;\,y_j - W_Kx_j]$ and
$[x_q;\,-W_Kx_q]$. With equal rates the layers are one layer, looped.
""",
    assumptions=(
        "$N \\ge 1$; any rates and any $W_0$ ($W_0 = 0$: raw targets, query with target 0)",
        "the query is no key: after the first layer its own target is not zero, even for $W_0 = 0$",
    ),
    proof=r"""
By induction: before layer $k$ the targets are the residuals of $W_{k-1}$, and the inputs are unchanged. By part 2 of
*least-squares-step*, with $W_{k-1}$ for $W_0$, the layer turns them into the residuals of
$W_{k-1} - \eta_k\nabla L(W_{k-1}) = W_k$; the query's target goes from $-W_{k-1}x_q$ to $-W_kx_q$. $\square$

The order of the rates does not matter: with $H = \frac1N XX^\top$ and any minimiser $W_*$ of $L$,
$W_K - W_* = (W_0 - W_*)\prod_k(I - \eta_kH)$, whose factors commute.
""",
    source="von Oswald et al. 2023, arXiv 2212.07677, section 3 (several steps of gradient descent)",
    arguments={"initial": "dv d", "inputs": "n d", "targets": "n dv", "query": "d", "rates": "k"},
    dimensions={"n": (1, 5), "d": (1, 4), "dv": (1, 3), "k": (1, 3)},
    shapes=(
        {"n": 5, "d": 3, "dv": 2, "k": 3},
        {"n": 2, "d": 4, "dv": 1, "k": 2},
        {"n": 1, "d": 1, "dv": 1, "k": 1},
    ),
    left=layers,
    right=steps,
    mutants=(
        Mutant("one step too few", alter(steps, k=lambda k: k - 1)),
        Mutant("the loss is a sum, not a mean", alter(steps, loss=total_squares)),
        Mutant(
            "every step takes the first gradient",
            always_the_first_gradient,
            quoted=Misquotation(
                says="One layer of linear attention can do several steps of gradient descent: it only needs a larger rate.",
                source="commonly read into von Oswald et al. 2023, arXiv 2212.07677, and Dai et al. 2023, arXiv 2212.10559",
                rather="One layer is one step. K steps on the squared error need K layers (or one layer, looped), since each gradient is taken where the step before has led. Only for the alignment loss do K steps collapse into one.",
            ),
        ),
        Mutant(
            "the query is attended to as well",
            query_is_a_key,
            "left",
            quoted=Misquotation(
                says="The construction works for all tokens alike: the query may be among the keys.",
                source="commonly read into von Oswald et al. 2023, arXiv 2212.07677, proposition 1; the mask is stated in Ahn et al. 2023, arXiv 2306.00297",
                rather="The query must not be attended to. In the first layer with W0 = 0 it does no harm, since its own value is zero; from the second layer on it does.",
            ),
        ),
    ),
)
