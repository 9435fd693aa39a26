"""The table of what came of mutated files."""

from lrgd_jax.experiments.shared.markdown import count, table

MILLION = 1_000_000


def fuzzing_tables(summary):
    """A row a loader: how many inputs were loaded, refused and why, or neither; and what one took at most."""
    targets = summary["targets"]
    return [
        f"**{count(summary['inputs'], 'mutated input')} (seed {summary['seed']}): "
        f"{count(summary['faults'], 'fault')}** ([summary](results/fuzzing/summary.json)).",
        "",
        *table(
            ["loader", "inputs", "loaded", "refused", "most often", "fault", "slowest", "most memory"],
            [_cells(target) for target in targets],
        ),
    ]


def _cells(target):
    kinds = target["kinds"]
    loaded, refused = kinds.get("loaded", 0), kinds.get("refused", 0)
    most = ", ".join(f"{name} {number:,}" for name, number in [*target["refusals"].items()][:2])
    return (
        target["name"],
        *(f"{number:,}" for number in (target["inputs"], loaded, refused)),
        most or "–",
        target["inputs"] - loaded - refused or "–",
        f"{target['slowest_seconds']:.2f} s",
        f"{target['peak_bytes'] / MILLION:.0f} MB",
    )
