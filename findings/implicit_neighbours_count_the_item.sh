#!/usr/bin/env bash
# implicit's K counts an item as its own neighbour: with K = 1 a neighbour model learns nothing but the identity.
#
# implicit 0.7.3, CosineRecommender. Guess: K neighbours beside the item itself.
# Why it matters: "item-kNN with K = 20" of this library has 19 neighbours; baselines of other libraries have 20.
# Seen: off-diagonal neighbours an item: K=1 0, K=2 1, K=3 2
source "$(dirname "$0")/lib/environment.sh"
environment 3.11 implicit==0.7.3 numpy==2.4.6 scipy==1.17.1
seen="$(OPENBLAS_NUM_THREADS=1 python -W ignore - <<'PY'
import numpy as np
from implicit.nearest_neighbours import CosineRecommender
from scipy.sparse import csr_matrix

together = csr_matrix(np.array([[1, 1, 0], [1, 0, 1], [0, 1, 1], [1, 1, 1]], float))
found = []
for neighbours in (1, 2, 3):
    model = CosineRecommender(K=neighbours)
    model.fit(together, show_progress=False)
    others = model.similarity.toarray() * (1 - np.eye(3))
    found.append(f"K={neighbours} {int((others > 0).sum(axis=1).max())}")
print("off-diagonal neighbours an item: " + ", ".join(found))
PY
)"
expect "off-diagonal neighbours an item: K=1 0, K=2 1, K=3 2" "$seen"
