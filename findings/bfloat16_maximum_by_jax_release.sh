#!/usr/bin/env bash
# The maximum of two subnormal bfloat16 numbers is the smaller one: XLA compares them flushed, and hands one on unflushed.
#
# 0.3 and -0.9 times the smallest normal number, compiled for a CPU. JAX 0.10.2 returns zero, 0.12.0.1 the negative one.
# Guess: the larger one, or zero where subnormal numbers are flushed; never less than both.
# Why it matters: a bound on max that allows one flush is exceeded; results may lie below every operand's flushed value.
# Seen: 0.10.2: 0.0; 0.12.0.1: -0.9
source "$(dirname "$0")/lib/environment.sh"
here="$FINDINGS_TEMPORARY"
cat > "$here/maximum.py" <<'PY'
import jax
import jax.numpy as jnp
import numpy as np

tiny = np.float32(jnp.finfo("bfloat16").tiny)
x, y = (jnp.array(np.full(4, share * tiny, np.float32).astype(jnp.bfloat16)) for share in (0.3, -0.9))
found = np.asarray(jax.jit(jax.lax.max)(x, y)).astype(np.float64)[0] / float(tiny)
print(f"{jax.__version__}: {abs(found) if found == 0 else round(float(found), 1)}")
PY
seen=""
for release in 0.10.2 0.12.0.1; do
  seen+="$(environment 3.12 "jax==$release" "jaxlib==$release"; python "$here/maximum.py"); "
done
expect "0.10.2: 0.0; 0.12.0.1: -0.9; " "$seen"
