#!/usr/bin/env bash
# `lax.top_k` puts 0.0 above -0.0, while `sort`, `argsort` and `argmax` take them for equal.
#
# JAX 0.10.2 (and 0.12.0.1), CPU: of [-0.0, 0.0, -0.0] the largest two are at 1 and 0, not at 0 and 1 as among ties.
# Guess: [0 1], the lowest index among equal numbers, as the documentation says of ties.
# Why it matters: selections by top_k and by argsort differ on scores that are zero.
# Seen: top_k [1, 0], argsort of the negatives [0, 1, 2], argmax 0
source "$(dirname "$0")/lib/environment.sh"
environment 3.11 jax==0.10.2 jaxlib==0.10.2
seen="$(python - <<'PY'
import jax
import jax.numpy as jnp

x = jnp.array([-0.0, 0.0, -0.0])
print(f"top_k {jax.lax.top_k(x, 2)[1].tolist()}, argsort of the negatives {jnp.argsort(-x).tolist()}, argmax {int(jnp.argmax(x))}")
PY
)"
expect "top_k [1, 0], argsort of the negatives [0, 1, 2], argmax 0" "$seen"
