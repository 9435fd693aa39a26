#!/usr/bin/env bash
# Which release of XLA still rewrites what is written: products and sums with two constants, quotients of exponentials.
#
# CPU, float64, jit: (x 1e200) 1e-200 at 1e300, (x + 1e16) - 1e16 at 1, exp(a)/exp(b) at a = b = 1000. IEEE arithmetic
# step by step gives inf, 0, nan, and so does JAX without jit in every release.
# Guess: constants are never merged, since that changes results; exponentials the same in all releases.
# Why it matters: a bound on rounding is one for the program as it is written.
# Seen: 0.11.1: 1e+300, 1.0, 1.0; 0.11.2: 1e+300, 1.0, nan; 0.12.0: inf, 0.0, nan
source "$(dirname "$0")/lib/environment.sh"
here="$FINDINGS_TEMPORARY"
cat > "$here/compiled.py" <<'PY'
import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)
products = jax.jit(lambda x: (x * 1e200) * 1e-200)(1e300)
sums = jax.jit(lambda x: (x + 1e16) - 1e16)(1.0)
exponentials = jax.jit(lambda a, b: jnp.exp(a) / jnp.exp(b))(1000.0, 1000.0)
print(f"{jax.__version__}: {float(products)}, {float(sums)}, {float(exponentials)}")
PY
seen=""
for release in 0.11.1 0.11.2 0.12.0; do
  seen+="$(environment 3.12 "jax==$release" "jaxlib==$release"; python "$here/compiled.py"); "
done
expect "0.11.1: 1e+300, 1.0, 1.0; 0.11.2: 1e+300, 1.0, nan; 0.12.0: inf, 0.0, nan; " "$seen"
