#!/usr/bin/env bash
# `jax.nn.standardize` subtracts squares: in float64 three neighbouring numbers near 1e8 come out wrong, in each release otherwise.
#
# [1e8, 1e8 + 1, 1e8 + 2] has variance 2/3, so with epsilon 1e-5 the first becomes -1.2247.
# Guess: -1.2247 to ten digits, since the numbers are whole and the format is float64.
# Why it matters: the normalisation of a decoder's residual stream loses the variance where the mean is large.
# Seen: 0.10.2: -316.2278; 0.12.0.1: -1.1336
source "$(dirname "$0")/lib/environment.sh"
here="$FINDINGS_TEMPORARY"
cat > "$here/standardised.py" <<'PY'
import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)
print(f"{jax.__version__}: {float(jax.nn.standardize(jnp.array([1e8, 1e8 + 1, 1e8 + 2]))[0]):.4f}")
PY
seen=""
for release in 0.10.2 0.12.0.1; do
  seen+="$(environment 3.12 "jax==$release" "jaxlib==$release"; python "$here/standardised.py"); "
done
expect "0.10.2: -316.2278; 0.12.0.1: -1.1336; " "$seen"
