"""The tables of faults of kernels: what the checker says of each, and what a tolerance lets pass."""

from lrgd_jax.experiments.shared.markdown import count, table


def kernel_fault_tables(summary):
    """Counts, then a table a family of faults."""
    total, rows = summary["total"], {row["name"]: row for row in summary["faults"]}
    lines = [*counts(summary, total)]
    for family, names in summary["families"].items():
        lines += [
            f"### {family}",
            "",
            *table(
                ["fault", "reported", "refuted", "at", "names", "seconds", "a tolerance passes"],
                [cells(rows[name]) for name in names if name in rows],
            ),
        ]
    return [*lines, *unrefuted(summary["faults"])]


def counts(summary, total):
    """The totals in sentences."""
    near = ", ".join(f"{words} ({number} times)" for words, number in total["localised"].items())
    sizes = sorted(row["entries"] for row in summary["faults"] if row["verdict"] == "refuted")
    refuted, faults = total["refuted"], count(total["faults"], "pair")
    return [
        f"**{refuted} of {faults} are refuted**, {total['exactly']} of them in rational numbers and the others in",
        f"balls, in {total['seconds']:.0f} seconds of a processor ([summary](results/kernel-faults/summary.json)); the",
        "others are equal in real arithmetic, as they should be.",
        f"The counterexamples have {sizes[0]} to {sizes[-1]} numbers, {sizes[len(sizes) // 2]} in the median.",
        f"What is named as the place where both functions part is {near}.",
        "",
        f"On random normal inputs a tolerance of {summary['tolerance']:g} (relative and absolute, float32) lets",
        f"{total['ordinary_pass_allclose']} of those {refuted} pass, and a ratio of root mean squares below",
        f"{summary['error_ratio']:g} lets {total['ordinary_pass_error_ratio']} pass. For {total['usual']} faults there",
        f"are inputs that tests often have and that hide it: there {total['usual_pass_allclose']} and",
        f"{total['usual_pass_error_ratio']} pass.",
        "",
        f"{total['certified_definitions']} of {count(total['definitions'], 'kernel')} in chunks, with a running",
        "maximum or with a backward pass of their own are certified as equal to their definition once the fault is",
        "mended.",
        "",
    ]


def cells(row):
    """A row: one fault."""
    if row["verdict"] != "refuted":
        return (words(row), row["source"], row["verdict"], "–", "–", f"{row['seconds']:.1f}", passes(row))
    return (
        words(row),
        row["source"],
        "exactly" if row["numbers"] == "rational numbers" else f"in {row['numbers']}",
        f"{count(row['entries'], 'number')}, {row['nonzero']} not zero",
        row["localised"],
        f"{row['seconds']:.1f}",
        passes(row),
    )


def words(row):
    """Name and sentence."""
    return f"**{row['name']}**: {row['says']}"


def passes(row):
    """On which inputs which tolerance sees nothing."""
    seen = []
    for setting in filter(None, (row["ordinary"], row["usual"])):
        note = setting["note"] or "normal numbers"
        if setting["allclose"]:
            seen.append(note)
        elif setting["within_error_ratio"]:
            seen.append(f"{note} (by the ratio alone)")
    return "; ".join(seen) or "–"


def unrefuted(rows):
    """Why the others are not refuted."""
    others = [row for row in rows if row["verdict"] != "refuted"]
    if not others:
        return []
    return ["### Not refuted, and why", "", *(f"- **{row['name']}**: {row['why']}." for row in others), ""]
