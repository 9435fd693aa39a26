#!/usr/bin/env bash
# `lax.reduce_window` with padding leaves padded places out, although the specification fills them with the initial value.
#
# JAX 0.10.2, CPU: windows of two over [10, 20, 30] with one place of padding in front and the initial value 1. StableHLO's
# text pads the operand with the initial value, and reduces every window from it. Guess: [12, 31, 51].
# Why it matters: with an initial value that is no identity (a sum from 1) a window at the edge counts it once, not twice.
# Seen: [11.0, 31.0, 51.0]
source "$(dirname "$0")/lib/environment.sh"
environment 3.11 jax==0.10.2 jaxlib==0.10.2
seen="$(python - <<'PY'
import jax
import jax.numpy as jnp
from jax import lax

windows = jax.jit(lambda x, start: lax.reduce_window(x, start, lax.add, (2,), (1,), ((1, 0),)))
print(windows(jnp.array([10.0, 20.0, 30.0]), 1.0).tolist())
PY
)"
expect "[11.0, 31.0, 51.0]" "$seen"
