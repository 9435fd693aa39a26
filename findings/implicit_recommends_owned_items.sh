#!/usr/bin/env bash
# implicit's neighbour models fill a list up with items the user already has, although those are filtered.
#
# implicit 0.7.3, CosineRecommender, filter_already_liked_items=True (the default): where fewer than N other items have
# neighbours, owned items come back with score 0. Guess: a shorter list, or a marker such as -1.
# Why it matters: a comparison counts "hits" or shows lists with items that the user has; drop scores that are not positive.
# Seen: user 0 owns 0 and 1, is given [2, 1, 0] with scores [1.0, 0.0, 0.0]
source "$(dirname "$0")/lib/environment.sh"
environment 3.11 implicit==0.7.3 numpy==2.4.6 scipy==1.17.1
seen="$(OPENBLAS_NUM_THREADS=1 python -W ignore - <<'PY'
import numpy as np
from implicit.nearest_neighbours import CosineRecommender
from scipy.sparse import csr_matrix

owned = csr_matrix(np.array([[1, 1, 0, 0], [1, 0, 1, 0], [0, 1, 1, 0], [0, 0, 0, 1]], float))
model = CosineRecommender(K=3)
model.fit(owned, show_progress=False)
items, scores = model.recommend(0, owned[0], N=4)
print(f"user 0 owns 0 and 1, is given {items.tolist()} with scores {scores.round(3).tolist()}")
PY
)"
expect "user 0 owns 0 and 1, is given [2, 1, 0] with scores [1.0, 0.0, 0.0]" "$seen"
