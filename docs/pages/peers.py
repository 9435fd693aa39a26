"""The tables of peers and of shortcuts, from what recommender_peers.py and benchmark_diagnostics.py wrote."""

from lrgd_jax.experiments.shared.markdown import table


def peer_tables(summary):
    """Every recommender on every data set, and how far the one step is above each; then the settings."""
    metric = summary["metric"]
    lines = []
    for data, found in summary["data"].items():
        groups = list(found["recommenders"]["one step"])
        heads = ["recommender", f"HR@10 / {metric}", *(f"one step above: {group}" for group in groups)]
        best = max(row["all"][metric] for row in found["recommenders"].values())
        rows = [
            (name if row["all"][metric] < best else f"**{name}**", scores(row["all"], metric), *shares(row, groups))
            for name, row in found["recommenders"].items()
        ]
        lines += [f"**{data}**, {found['queries']:,} test queries", "", *table(heads, rows), ""]
    chosen = [
        (name, ", ".join(f"{key} {value:g}" for key, value in peer["settings"].items()), str(len(peer["tried"])))
        for name, peer in summary["peers"].items()
    ]
    return [*lines, *table(["peer", "settings, chosen on validation queries", "combinations tried"], chosen)]


def scores(row, metric):
    """Both metrics."""
    return f"{row['HR@10']:.4f} / {row[metric]:.4f}"


def shares(row, groups):
    """How far the one step is above, with its interval; bold where the interval does not hold zero."""
    for group in groups:
        if "ours above" not in row[group]:
            yield ""
            continue
        mean, low, high = row[group]["ours above"]
        text = f"{mean:+.4f} [{low:+.4f}, {high:+.4f}]"
        yield f"**{text}**" if low > 0 or high < 0 else text


def shortcut_table(summary):
    """A row a data set and rule for ties: branching, smoothness, dependence on the history."""
    rows = [
        (data, rule, *(reach(hop) for hop in one["hops"]), share(one["similarity"]), share(one["recent"]))
        for data, rules in summary.items()
        for rule, one in rules.items()
    ]
    heads = ["data", "ties", "one transition", "two transitions", "nearer than another", "latest basket alone"]
    return table(heads, rows)


def reach(hop):
    """Targets that are reached, of how much of the catalogue, and how many times as many as at random."""
    lift = hop["targets"] / hop["catalogue"] if hop["catalogue"] else 0
    return f"{100 * hop['targets']:.1f} % in {100 * hop['catalogue']:.2f} % ({lift:.0f}x)"


def share(number):
    """Two digits, or a dash."""
    return "–" if number is None else f"{number:.2f}"
