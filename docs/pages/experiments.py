"""What wrote a result, and its headline numbers."""

import json
from pathlib import Path

from lrgd_jax.experiments import find
from lrgd_jax.experiments.shared.markdown import count

RESULTS = Path(__file__).resolve().parents[1] / "results"


def numbers(name):
    """What wrote a result, and its headline numbers, from the summary that is kept."""
    folder = RESULTS / name
    kept = json.loads((folder / "summary.json").read_text())
    device, versions = kept["device"], kept["versions"]
    origin = (
        f"*Written by the command above with jax {versions['jax']} on {device['platform'].upper()}: "
        f"{count(kept['seeds'], 'seed')}, {kept['rows']:,} rows ([summary](results/{name}/summary.json)).*"
    )
    return [origin, "", *find(name).tables(kept["summary"], folder)]
