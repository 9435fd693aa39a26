"""The one-step recommender beside its peers, all on the same queries, with what shares a time as a basket.

python -m benchmarks.recommender_peers --data ../shared/data writes docs/results/peers/last-items.json. A peer's
settings are the combination of its grid whose NDCG@10 on the validation queries of Amazon office, industrial and CDs,
relative to that of the peer's best on each, is highest on average: one setting for all three. Beauty and games, which
come as an order, are used for nothing but the test, and so is every test query.

With --one-moment the data with times are cut at one moment for all users, in place of before everybody's last items,
and docs/results/peers/one-moment.json is written: the last tenth of all events is asked about, and settings
come from the tenth before it.
"""

import argparse
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

import numpy as np

from lrgd_jax.atomic import write_json
from lrgd_jax.recommend.data.dataset import Part, Split
from lrgd_jax.recommend.data.folder_layouts import load_split
from lrgd_jax.recommend.data.splits import split_by_time, time_quantile
from lrgd_jax.recommend.data.ties import BASKETS
from lrgd_jax.recommend.forms.item_vectors import ItemVectors, item_vectors
from lrgd_jax.recommend.measure.baselines import item_knn_and_popularity, markov
from lrgd_jax.recommend.measure.evaluation import Evaluation, Scorer, evaluate
from lrgd_jax.recommend.measure.linear_item_models import ease, slist
from lrgd_jax.recommend.measure.session_neighbours import stan, vs_knn
from lrgd_jax.recommend.measure.text_neighbours import GraphHeuristic, star
from lrgd_jax.recommend.serving.recommender import Recommender

ROOT = Path(__file__).resolve().parent.parent
TUNED_ON = "amazon_office", "amazon_industrial", "amazon_cds"
TESTED_ON = *TUNED_ON, "amazon_beauty", "amazon_games"
METRIC = "NDCG@10"


@dataclass(frozen=True)
class Peer:
    """How a peer is made, and what its settings may be."""

    make: Callable[..., Scorer]
    grid: dict[str, tuple[float | bool, ...]] = field(default_factory=dict)
    texts: bool = False
    largest: int | None = None
    """Catalogues of more items are left out."""

    def settings(self) -> Iterator[dict[str, float | bool]]:
        for values in itertools.product(*self.grid.values()):
            yield dict(zip(self.grid, values, strict=True))

    def of(self, split: Split, part: Part, vectors: ItemVectors | None, settings: dict[str, float | bool]) -> Scorer:
        features = (vectors,) if self.texts else ()
        return self.make(split.context(part), len(split.catalogue), *features, **settings)


LARGEST = 13_000
"""Items up to which a dense matrix of items against items is inverted here: minutes, on two cores."""
PEERS = {
    "item-kNN with popularity": Peer(
        item_knn_and_popularity, {"decay": (0.2, 0.4, 0.6), "source_power": (0.0, 0.25, 0.5), "weight": (0.1, 0.3)}
    ),
    "Markov chain": Peer(markov, {"decay": (0.5, 0.8, 0.9), "weight": (0.03, 0.1, 0.3)}),
    "VS-KNN": Peer(vs_knn, {"neighbours": (100, 500, 2000)}),
    "STAN": Peer(stan, {"neighbours": (100, 500), "decay": (0.4, 0.6, 0.8), "distance_decay": (0.8, 1.0)}),
    "EASE": Peer(ease, {"ridge": (300.0, 1000.0), "refits": (4,)}, largest=LARGEST),
    "SLIST": Peer(slist, {"ridge": (100.0, 300.0), "whole": (0.3, 0.7), "refits": (4,)}, largest=LARGEST),
    "STAR": Peer(star, {"decay": (0.7, 0.9), "share": (0.3, 0.5, 0.7), "latest": (3, 10)}, texts=True),
    "graph heuristic": Peer(GraphHeuristic.of, {"latest": (1, 2), "hops": (1, 2)}, texts=True),
}


class Tuned(TypedDict):
    """The settings that were chosen, and what every combination gave on the validation queries."""

    settings: dict[str, float | bool]
    tried: list[dict[str, object]]


def cut_at_one_moment(split: Split) -> Split:
    """The same events, of which the last tenth is the test part and the tenth before it the validation part."""
    events = split.context("test")
    valid, test = (time_quantile(events, share) for share in (0.8, 0.9))
    return split_by_time(split.catalogue, split.users, events, valid_from=valid, test_from=test)


def one_step(split: Split, part: Part) -> Scorer:
    return Recommender(split.catalogue).fit(split.context(part), split.users)


def tuned(name: str, splits: dict[str, Split], vectors: dict[str, ItemVectors | None]) -> Tuned:
    """The best common settings of a peer."""
    peer, settings = PEERS[name], list(PEERS[name].settings())
    gains = [
        {
            data: evaluate(peer.of(split, "valid", vectors[data], one), split, "valid").means()[METRIC]
            for data, split in splits.items()
        }
        for one in settings
    ]
    best = {data: max(gain[data] for gain in gains) for data in splits}
    relative = [np.mean([gain[data] / best[data] for data in splits]) for gain in gains]
    tried = [{"settings": one, "valid": gain} for one, gain in zip(settings, gains, strict=True)]
    return {"settings": settings[int(np.argmax(relative))], "tried": tried}


def compared(measured: Evaluation, ours: Evaluation | None) -> dict[str, object]:
    """Both headline metrics on all targets and on those with a time of their own, and how far ours is above."""
    rows = {}
    for name, (one, other) in {
        "all": (measured, ours),
        **{k: (group, None if ours is None else ours.groups()[k]) for k, group in measured.groups().items()},
    }.items():
        rows[name] = {metric: float(one.values(metric).mean()) for metric in ("HR@10", METRIC)}
        if other is not None:
            difference = other.against(one, METRIC).difference
            rows[name]["ours above"] = [difference.mean, difference.low, difference.high]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the five data sets")
    parser.add_argument("--one-moment", action="store_true", help="cut the data at one moment for all users")
    parser.add_argument("--without", nargs="*", default=[], choices=list(PEERS), help="peers that are left out")
    parser.add_argument("--out", type=Path, help="the result file")
    options = parser.parse_args()
    name = "one-moment.json" if options.one_moment else "last-items.json"
    out: Path = options.out or ROOT / "docs" / "results" / "peers" / name
    tested = TUNED_ON if options.one_moment else TESTED_ON
    splits = {name: load_split(options.data / name, BASKETS) for name in tested}
    if options.one_moment:
        splits = {name: cut_at_one_moment(split) for name, split in splits.items()}
    vectors = {name: item_vectors(split.catalogue) for name, split in splits.items()}
    chosen: dict[str, Tuned] = {}
    peers = {name: peer for name, peer in PEERS.items() if name not in options.without}
    for name in peers:
        chosen[name] = tuned(name, {data: splits[data] for data in TUNED_ON}, vectors)
        print(f"{name}: {chosen[name]['settings']}", flush=True)
    results: dict[str, object] = {}
    for data, split in splits.items():
        ours = evaluate(one_step(split, "test"), split)
        rows = {"one step": compared(ours, None)}
        for name, peer in peers.items():
            if peer.largest is not None and len(split.catalogue) > peer.largest:
                continue
            scorer = peer.of(split, "test", vectors[data], chosen[name]["settings"])
            rows[name] = compared(evaluate(scorer, split), ours)
            print(f"{data:20} {name:26} {rows[name]['all']}", flush=True)
        results[data] = {"queries": len(split.test), "recommenders": rows}
        out.parent.mkdir(parents=True, exist_ok=True)
        write_json(out, {"metric": METRIC, "peers": chosen, "data": results})


if __name__ == "__main__":
    main()
