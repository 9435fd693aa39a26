#!/usr/bin/env bash
# cosmic-ray takes the bare `*` of a signature for a multiplication, and mutates it.
#
# cosmic-ray 8.7.0, core/ReplaceBinaryOperator_Mul_Div on `def f(a, *, b): return a`. Guess: no mutant, nothing is multiplied.
# Why it matters: the other operators of that family leave text that is no Python, which counts as killed: scores come out too high.
# Seen: def f(a, /, b): return a
source "$(dirname "$0")/lib/environment.sh"
environment 3.11 cosmic-ray==8.7.0
seen="$(python -W ignore - <<'PY'
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator

operator = get_operator("core/ReplaceBinaryOperator_Mul_Div")()
print(mutate_code("def f(a, *, b): return a\n", operator, 0).strip())
PY
)"
expect "def f(a, /, b): return a" "$seen"
