"""What gradients at the chunk's start leave out of the token-wise delta rule, in closed form."""

import jax
import jax.numpy as jnp

from lrgd_jax.attention import recurrent_delta_rule
from lrgd_jax.attention.delta import unit_lower_inverse
from lrgd_jax.claims import Claim, Misquotation, Mutant, alter


def squared_errors(memory, keys, values, strengths):
    errors = keys @ memory.T - values
    return strengths @ jnp.sum(errors * errors, axis=1) / 2


def token_by_token_less_at_once(memory, keys, values, strengths):
    at_once = memory - jax.grad(squared_errors)(memory, keys, values, strengths)
    return recurrent_delta_rule(keys, keys, values, strengths, state=memory)[1] - at_once


def gap(memory, keys, values, strengths, orders=None, known=1):
    """The errors at the chunk's start, corrected for what the tokens before have changed."""
    n = keys.shape[0]
    errors = known * keys @ memory.T - values
    overlaps = jnp.tril(keys @ keys.T, -1) * strengths[None]
    exact = unit_lower_inverse(overlaps) - jnp.eye(n, dtype=keys.dtype)
    change = exact if orders is None else -orders * overlaps
    return -(strengths[:, None] * (change @ errors)).T @ keys


claim = Claim(
    slug="chunk-start-gradients",
    title="Gradients at the chunk's start miss the overlap of the chunk's own keys",
    group="B",
    statement=r"""
From a memory $S$, let a chunk of tokens with errors $e_t = Sk_t-v_t$ be learnt by the delta rule token by token, to $S_{\mathrm{token}}$, and by one step with all gradients at $S$, to $S_{\mathrm{chunk}}$. With rows $e_t$ of $E$ and the strictly lower triangular $A_{ts} = b_s\,k_s^\top k_t$, $s<t$,
$$S_{\mathrm{token}} - S_{\mathrm{chunk}} = \big(\operatorname{diag}(b)\,[\,I-(I+A)^{-1}]\,E\big)^\top K,$$
for two tokens $b_1b_2(k_1^\top k_2)\,e_1k_2^\top$. It vanishes where the chunk's keys are orthogonal, and not because the chunk is short.
""",
    assumptions=("no decay, no momentum",),
    proof=r"""
Token by token the error that is corrected is $u_t = S_{t-1}k_t-v_t = e_t - \sum_{s<t}b_s(k_s^\top k_t)\,u_s$: $(I+A)U = E$. The memories are $S-\sum_tb_tu_tk_t^\top$ and $S-\sum_tb_te_tk_t^\top$. $\square$
""",
    source="minibatches at the chunk's start: Sun et al. 2024, arXiv 2407.04620; Behrouz et al. 2025, arXiv 2501.00663 (Titans); the triangular form: Yang et al. 2024, arXiv 2406.06484; the gap is derived here",
    arguments={"memory": "dv d", "keys": "n d", "values": "n dv", "strengths": "n"},
    dimensions={"n": (3, 4), "d": (1, 3), "dv": (1, 2)},
    shapes=({"n": 4, "d": 2, "dv": 1}, {"n": 3, "d": 3, "dv": 2}),
    left=token_by_token_less_at_once,
    right=gap,
    mutants=(
        Mutant(
            "there is no gap",
            alter(gap, orders=0),
            quoted=Misquotation(
                says="Computing a chunk's gradients at its first weights is the parallel form of learning token by token.",
                source="commonly read into Sun et al. 2024, arXiv 2407.04620, and Behrouz et al. 2025, arXiv 2501.00663 (Titans), where the chunk serves to run in parallel",
                rather="It is another update: (diag(b) [I - (I + A)^-1] E)' K is missing, with A the overlaps of the chunk's keys. The parallel form of the delta rule solves that triangular system.",
            ),
        ),
        Mutant("only pairs of tokens overlap", alter(gap, orders=1)),
        Mutant("the memory is taken for empty", alter(gap, known=0)),
    ),
)
