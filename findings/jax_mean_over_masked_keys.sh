#!/usr/bin/env bash
# A query whose mask hides every key gets the mean of all values, those that are hidden.
#
# JAX 0.10.2 (and 0.12.0.1), flax 0.12.8, CPU. Guess: zeros, or not a number, as a softmax over nothing has no value.
# Why it matters: what must not be seen is averaged into a finite number, and nothing says so. An additive mask of one large
# negative number gives the same softmax as none where it stands in the whole row.
# Seen: jax.nn 4.0, flax.linen 4.0, flax.nnx 4.0 (the mean of 1, 2 and 9)
source "$(dirname "$0")/lib/environment.sh"
environment 3.11 jax==0.10.2 jaxlib==0.10.2 flax==0.12.8
seen="$(python - <<'PY'
import flax.linen
import flax.nnx
import jax
import jax.numpy as jnp

tokens = jnp.ones((1, 3, 1, 4))
values = jnp.array([1.0, 2.0, 9.0])[None, :, None, None] * tokens
nothing = jnp.zeros((1, 1, 3, 3), bool)
libraries = {"jax.nn": jax.nn, "flax.linen": flax.linen, "flax.nnx": flax.nnx}
outputs = {name: library.dot_product_attention(tokens, tokens, values, mask=nothing) for name, library in libraries.items()}
print(", ".join(f"{name} {float(output[0, 0, 0, 0])}" for name, output in outputs.items()))
PY
)"
expect "jax.nn 4.0, flax.linen 4.0, flax.nnx 4.0" "$seen"
