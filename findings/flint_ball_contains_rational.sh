#!/usr/bin/env bash
# The ball around 0.1 "does not contain" 1/10: python-flint rounds the rational into a ball first, and asks for inclusion.
#
# python-flint 0.9.0, 53 bits. Guess: True, for the ball is made to enclose the decimal number 0.1.
# Why it matters: `contains` cannot be asked whether an exact value lies in an enclosure; compare the difference with zero.
# Seen: contains False, overlaps True, difference contains zero True
source "$(dirname "$0")/lib/environment.sh"
environment 3.11 python-flint==0.9.0
seen="$(python - <<'PY'
from flint import arb, fmpq

ball, number = arb("0.1"), fmpq(1, 10)
print(f"contains {ball.contains(number)}, overlaps {ball.overlaps(arb(number))}, difference contains zero {(ball - number).contains(0)}")
PY
)"
expect "contains False, overlaps True, difference contains zero True" "$seen"
