#!/usr/bin/env bash
# `jax.make_jaxpr` runs a function once for each of its shapes: the second trace is the first one, kept.
#
# JAX 0.10.2 (and 0.12.0.1). Guess: every call traces anew, since nothing is compiled. Why it matters: whoever traces twice
# to find out that a function draws with `np.random` or counts its calls always finds it pure; wrap it anew for each trace.
# Seen: same program True, calls 1; wrapped anew: same program False, calls 3
source "$(dirname "$0")/lib/environment.sh"
environment 3.11 jax==0.10.2 jaxlib==0.10.2
seen="$(python - <<'PY'
import jax

calls = []


def impure(x):
    calls.append(1)
    return x * len(calls)


def trace(function):
    return str(jax.make_jaxpr(function)(1.0))


kept = trace(impure) == trace(impure)
first = f"same program {kept}, calls {len(calls)}"
anew = trace(lambda x: impure(x)) == trace(lambda x: impure(x))
print(f"{first}; wrapped anew: same program {anew}, calls {len(calls)}")
PY
)"
expect "same program True, calls 1; wrapped anew: same program False, calls 3" "$seen"
