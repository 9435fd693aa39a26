"""With rotary positions the training inputs are rotated, and only differences of positions count."""

import jax
import jax.numpy as jnp

from lrgd_jax.attention import LinearAttention, Rotary, SoftmaxAttention
from lrgd_jax.claims import Claim, Mutant
from lrgd_jax.dual import DualModel, FunctionalDual, projective_targets
from lrgd_jax.features import elu_plus_one


def attention(queries, keys, values):
    """The last query over all tokens, for both pair layouts; twice: to meet the dual here and the dual elsewhere."""
    outputs = {}
    for layout in ("half", "interleaved"):
        rotary = Rotary(layout=layout)
        softmax = SoftmaxAttention(causal=True, rotary=rotary)(queries[-1:], keys, values)[0]
        linear = LinearAttention(elu_plus_one, causal=True, rotary=rotary)(queries[-1:], keys, values)[0]
        outputs[layout] = {"softmax": softmax, "linear": linear, "softmax moved": softmax, "linear moved": linear}
    return outputs


def turned(layout, offset=0):
    """The rotation R_p pair by pair, without the package's rotary functions."""

    def rotate(x, first=0):
        width, positions = x.shape[1], (offset + first + jnp.arange(x.shape[0])).astype(x.dtype)
        columns = list(x.T)
        for j in range(width // 2):
            a, b = (j, j + width // 2) if layout == "half" else (2 * j, 2 * j + 1)
            angles = positions * jnp.asarray(10_000.0 ** (-2 * j / width), x.dtype)
            columns[a] = jnp.cos(angles) * x[:, a] - jnp.sin(angles) * x[:, b]
            columns[b] = jnp.sin(angles) * x[:, a] + jnp.cos(angles) * x[:, b]
        return jnp.stack(columns, axis=1)

    return rotate


def dual_outputs(queries, keys, values, n, key_rotary, query_rotary):
    """Both duals, trained on R_i k_i and R_i phi(k_i), at the rotated query."""
    softmax = FunctionalDual.untrained(key_rotary(keys), projective_targets(values), learning_rate=0.3)
    point = query_rotary(queries[-1:], n - 1)
    phi = jax.vmap(elu_plus_one)
    linear = DualModel.untrained(key_rotary(phi(keys)), values, learning_rate=0.3)
    features = query_rotary(phi(queries[-1:]), n - 1)
    return {
        "softmax": softmax.predict(softmax.train(), point)[0],
        "linear": linear.predict(linear.train(), features)[0],
    }


def every_layout(queries, keys, values, n, here, moved):
    outputs = {}
    for layout in ("half", "interleaved"):
        first = dual_outputs(queries, keys, values, n, *here(layout))
        second = dual_outputs(queries, keys, values, n, *moved(layout))
        outputs[layout] = first | {f"{name} moved": output for name, output in second.items()}
    return outputs


def same(offset):
    return lambda layout: (turned(layout, offset),) * 2


def duals(queries, keys, values, n, shift):
    return every_layout(queries, keys, values, n, same(0), same(shift))


def keys_not_rotated(queries, keys, values, n, shift):
    def bare(layout):
        return (lambda x: x), turned(layout)

    return every_layout(queries, keys, values, n, bare, same(shift))


def positions_restart_at_the_query(queries, keys, values, n, shift):
    def restarted(layout):
        return turned(layout), turned(layout, 1 - n)

    return every_layout(queries, keys, values, n, restarted, same(shift))


def only_the_keys_move(queries, keys, values, n, shift):
    def torn(layout):
        return turned(layout, shift), turned(layout)

    return every_layout(queries, keys, values, n, same(0), torn)


claim = Claim(
    slug="rotary-position",
    title="Rotary positions rotate the training inputs, and only differences of positions count",
    group="A",
    statement=r"""
With rotations $R_p$ of coordinate pairs by $p\,\omega_j$, attention with RoPE is the dual trained on the inputs
$R_i\phi(k_i)$ (linear) or $R_i k_i$ (softmax, inside $\kappa$), at the test point $R_t\phi(q)$ or $R_t q$. Moving all
positions by one shift $c$ leaves the dual's outputs unchanged.
""",
    assumptions=("even width", "both pair layouts, half-split and interleaved"),
    proof=r"""
RoPE replaces $\phi(k_i)^\top\phi(q)$ by $(R_i\phi(k_i))^\top R_t\phi(q)$, and $k_i^\top q$ by $(R_ik_i)^\top R_tq$; apply
`linear-attention` and `softmax-attention` to those inputs. $R_p$ is block-diagonal with blocks in $SO(2)$, so
$R_a^\top R_b = R_{b-a}$, and $(R_{i+c}x)^\top R_{t+c}y = x^\top R_{t-i}y$ does not depend on $c$. $\square$

The weights do change with $c$: $W \mapsto W R_c^\top$. It is the pair of trained model and test point that is invariant.
""",
    source="Su et al. 2021, arXiv 2104.09864, eq. 16 and section 3.3",
    arguments={"queries": "n 2*pairs", "keys": "n 2*pairs", "values": "n dv"},
    dimensions={"n": (1, 5), "pairs": (1, 2), "dv": (1, 3), "shift": (1, 9)},
    shapes=({"n": 5, "pairs": 2, "dv": 2, "shift": 3}, {"n": 2, "pairs": 3, "dv": 1, "shift": 7}),
    left=attention,
    right=duals,
    mutants=(
        Mutant("the keys are not rotated", keys_not_rotated),
        Mutant("positions restart at the query", positions_restart_at_the_query),
        Mutant("only the keys move", only_the_keys_move),
    ),
)
