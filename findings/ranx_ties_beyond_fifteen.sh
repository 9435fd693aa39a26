#!/usr/bin/env bash
# ranx ranks tied documents by the order in which they were given up to 15 of them, and from 16 on in another one.
#
# ranx 0.3.21: all documents of a run have score 1; the rank of the first one by reciprocal rank.
# Guess: always the order given, or the mean rank. Why it matters: metrics of runs with ties (co-occurrence scores, zeros)
# depend on the length of the list and on dictionary order.
# Seen: rank of the first of 15: 1; of 16: 15; of 20: 19; of 32: 17
source "$(dirname "$0")/lib/environment.sh"
environment 3.11 ranx==0.3.21 numpy==2.4.6
seen="$(python -W ignore - <<'PY'
from ranx import Qrels, Run, evaluate


def rank_of_first(count):
    run = Run({"user": {f"item{k:02d}": 1.0 for k in range(count)}})
    return round(1 / float(evaluate(Qrels({"user": {"item00": 1}}), run, "mrr")))


counts = (15, 16, 20, 32)
print("rank of the first " + "; ".join(f"of {count}: {rank_of_first(count)}" for count in counts))
PY
)"
expect "rank of the first of 15: 1; of 16: 15; of 20: 19; of 32: 17" "$seen"
