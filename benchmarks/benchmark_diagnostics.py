"""Three shortcuts on the data sets that recommenders are compared on, by how a time that is shared is read.

python -m benchmarks.benchmark_diagnostics --data ../shared/data writes docs/results/peers/shortcuts.json.
"""

import argparse
from dataclasses import asdict
from pathlib import Path

from lrgd_jax.atomic import write_json
from lrgd_jax.recommend.data.folder_layouts import load_split
from lrgd_jax.recommend.data.ties import AS_STORED, BASKETS, TieRule
from lrgd_jax.recommend.forms.item_vectors import item_vectors
from lrgd_jax.recommend.measure.diagnostics import diagnose

ROOT = Path(__file__).resolve().parent.parent
DATA = "amazon_beauty", "amazon_office", "amazon_industrial", "amazon_cds", "amazon_games"
RULES = {"basket": BASKETS, "as-stored": AS_STORED, "shuffle": TieRule("shuffle", 0)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the five data sets")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results" / "peers" / "shortcuts.json")
    options = parser.parse_args()
    found: dict[str, dict[str, object]] = {}
    for data in DATA:
        found[data] = {}
        for name, rule in RULES.items():
            split = load_split(options.data / data, rule)
            found[data][name] = asdict(diagnose(split, "test", item_vectors(split.catalogue)))
            print(data, name, found[data][name], flush=True)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_json(options.out, found)


if __name__ == "__main__":
    main()
