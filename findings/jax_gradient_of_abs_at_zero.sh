#!/usr/bin/env bash
# The derivative of `jnp.abs` at zero is 1, not sign(0) = 0.
#
# JAX 0.10.2 (and 0.12.0.1), CPU. Guess: 0, the sign, the middle of the subdifferential, as for `jnp.maximum`.
# Why it matters: a loss with |x| steps away from a fit that is exact, and `sign` is no drop-in for its gradient.
# Seen: abs 1.0, sign 0.0, maximum(x, -x) 0.0
source "$(dirname "$0")/lib/environment.sh"
environment 3.11 jax==0.10.2 jaxlib==0.10.2
seen="$(python - <<'PY'
import jax
import jax.numpy as jnp

larger = jax.grad(lambda x: jnp.maximum(x, -x))(0.0)
print(f"abs {float(jax.grad(jnp.abs)(0.0))}, sign {float(jnp.sign(0.0))}, maximum(x, -x) {float(larger)}")
PY
)"
expect "abs 1.0, sign 0.0, maximum(x, -x) 0.0" "$seen"
