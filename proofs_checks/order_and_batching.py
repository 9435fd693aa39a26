"""The order of the demonstrations, and how they are cut into minibatches, do not matter."""

import optax

from lrgd_jax.claims import Claim, Mutant, alter
from lrgd_jax.dual import DualModel

RATE = 0.5
DECAYING = optax.chain(optax.add_decayed_weights(0.25), optax.sgd(RATE))


def model_of(initial, keys, values):
    return DualModel(initial, keys, values, learning_rate=RATE)


def one_batch(initial, keys, values):
    weights = model_of(initial, keys, values).train()
    return {"reversed, one by one": weights, "evens, then odds": weights, "front, then back": weights}


def other_batches(initial, keys, values, n, optimiser=None):
    model = model_of(initial, keys, values)
    batches = partitions(n)
    return {name: model.train(batches=batch, optimiser=optimiser) for name, batch in batches.items()}


def partitions(n):
    everyone = list(range(n))
    return {
        "reversed, one by one": [[i] for i in reversed(everyone)],
        "evens, then odds": [everyone[0::2], everyone[1::2]],
        "front, then back": [everyone[: n // 2], everyone[n // 2 :]],
    }


def last_batch_dropped(initial, keys, values, n):
    model = model_of(initial, keys, values)
    return {name: model.train(batches=batches[:-1]) for name, batches in partitions(n).items()}


claim = Claim(
    slug="order-and-batching",
    title="Any order and any minibatches of the demonstrations give the same weights",
    group="A",
    statement=r"""
For every permutation of $D$ and every partition $D = B_1\cup\dots\cup B_s$, the steps
$W \leftarrow W - \eta\nabla L_{B_j}(W)$, $j = 1..s$, with
$L_B(W) = -\frac1\eta\sum_{i\in B} v_i^\top W\phi(k_i)$, end at the same $W$ as one step on $L_D$.
""",
    assumptions=("plain gradient steps: no momentum, no weight decay", "the losses are sums, not means"),
    proof=r"""
$\nabla L_B(W) = -\frac1\eta\sum_B v_i\phi(k_i)^\top$ does not depend on $W$. The steps therefore add
$\sum_j\sum_{B_j} v_i\phi(k_i)^\top = \sum_D v_i\phi(k_i)^\top$, whatever their order. $\square$

So what depends on order in a real language model (Shen et al. 2024, arXiv 2310.08540) comes from positions and from
the layers below, not from the step.
""",
    source="from the linearity of the dual loss (Irie et al. 2022, arXiv 2202.05798)",
    arguments={"initial": "dv d", "keys": "n d", "values": "n dv"},
    dimensions={"n": (0, 6), "d": (1, 4), "dv": (1, 3)},
    shapes=({"n": 5, "d": 3, "dv": 2}, {"n": 2, "d": 4, "dv": 1}),
    left=one_batch,
    right=other_batches,
    mutants=(
        Mutant(
            "heavy-ball momentum between the batches", alter(other_batches, optimiser=optax.sgd(RATE, momentum=0.5))
        ),
        Mutant("weight decay in every step", alter(other_batches, optimiser=DECAYING)),
        Mutant("the last batch is dropped", last_batch_dropped),
    ),
)
