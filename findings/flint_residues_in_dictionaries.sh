#!/usr/bin/env bash
# A residue equals the integers of its class, and is hashed apart from them: sets and dictionaries do not find it.
#
# python-flint 0.9.0. Guess: equal objects have equal hashes, as Python asks of every type that has both.
# Why it matters: exact layers key tables by residues; a look-up with an integer misses, without an error.
# Seen: equal to 1 True, equal to 8 True, in a set with 1 False; a zero ball is true, a zero residue is false
source "$(dirname "$0")/lib/environment.sh"
environment 3.11 python-flint==0.9.0
seen="$(python - <<'PY'
from flint import arb, nmod

one = nmod(1, 7)
truth = {False: "false", True: "true"}
print(f"equal to 1 {one == 1}, equal to 8 {one == 8}, in a set with 1 {one in {1}}; "
      f"a zero ball is {truth[bool(arb(0))]}, a zero residue is {truth[bool(nmod(0, 7))]}")
PY
)"
expect "equal to 1 True, equal to 8 True, in a set with 1 False; a zero ball is true, a zero residue is false" "$seen"
