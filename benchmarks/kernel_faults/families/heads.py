"""Heads: which keys a query sees, and how a converter orders their weights."""

import jax
import jax.numpy as jnp

from benchmarks.kernel_faults.fault import Fault, Setting, github


def attend(q, k, v):
    return jnp.einsum("hts,hse->hte", jax.nn.softmax(jnp.einsum("htd,hsd->hts", q, k), axis=-1), v)


def group_size(q, k):
    if q.shape[0] % k.shape[0]:
        raise ValueError(f"{q.shape[0]} heads of queries are no multiple of {k.shape[0]} heads of keys")
    return q.shape[0] // k.shape[0]


def repeated(q, k, v):
    size = group_size(q, k)
    return attend(q, jnp.repeat(k, size, axis=0), jnp.repeat(v, size, axis=0))  # here


def tiled(q, k, v):
    size = group_size(q, k)
    return attend(q, jnp.tile(k, (size, 1, 1)), jnp.tile(v, (size, 1, 1)))  # here


def by_group(q, k, v):
    of_query = jnp.arange(q.shape[0]) // group_size(q, k)
    return attend(q, k[of_query], v[of_query])  # here


def by_number_of_key_heads(q, k, v):
    of_query = jnp.minimum(jnp.arange(q.shape[0]) // k.shape[0], k.shape[0] - 1)
    return attend(q, k[of_query], v[of_query])  # here


def as_neighbours(weight, heads):
    rows, width = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, width).swapaxes(1, 2).reshape(rows, width)


def all_rows(weight):
    return weight.reshape(-1, weight.shape[-1])


def permuted_by_key_heads(wq, wk):
    return as_neighbours(all_rows(wk), wk.shape[0])  # here


def permuted_by_the_quotient(wq, wk):
    return as_neighbours(all_rows(wk), wq.shape[0] // wk.shape[0])  # here


def not_permuted(wq, wk):
    return all_rows(wk)  # here


GROUPED = "q:h=4,n=2,d=1; k:g=2,n,d; v:g,n,e=1"
SIZES = {"h": 8, "g": 2, "n": 64, "d": 32, "e": 32}
WEIGHTS = "wq:h=8,d=4,m=1; wk:g=2,d,m"

FAULTS = (
    Fault(
        "keys tiled, not repeated",
        github("onnx/onnx", "pull request", 7274),
        "With fewer heads of keys than of queries the keys are laid out as 0, 1, 0, 1 and not as 0, 0, 1, 1.",
        repeated,
        tiled,
        GROUPED,
        Setting(SIZES),
        Setting(SIZES | {"g": 1}, note="one head of keys"),
    ),
    Fault(
        "head of keys by the wrong quotient",
        github("PSAL-POSTECH/ONNXim", "pull request", 34),
        "The head of keys is the query's head divided by the number of heads of keys, not by the size of a group.",
        by_group,
        by_number_of_key_heads,
        "q:h=6,n=2,d=1; k:g=3,n,d; v:g,n,e=1",
        Setting(SIZES),
        Setting(SIZES | {"h": 4}, note="as many heads in a group as there are groups"),
    ),
    Fault(
        "keys permuted by the wrong number of heads",
        github("ggml-org/llama.cpp", "pull request", 3364),
        "The converter to GGUF orders the rows of the keys' weight by heads of queries over heads of keys, which only "
        "happens to be the number of heads of keys.",
        permuted_by_key_heads,
        permuted_by_the_quotient,
        WEIGHTS,
        Setting({"h": 32, "g": 4, "d": 16, "m": 32}),
        Setting({"h": 64, "g": 8, "d": 16, "m": 32}, note="64 heads over 8, as in Llama 2 70B"),
    ),
    Fault(
        "keys not permuted",
        github("ggml-org/llama.cpp", "issue", 3018),
        "Weights for a rotation of halves are given to a rotation of neighbours in the order in which they are.",
        permuted_by_key_heads,
        not_permuted,
        WEIGHTS,
        Setting({"h": 32, "g": 4, "d": 16, "m": 32}),
    ),
)
