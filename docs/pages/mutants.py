"""The tables of mutation testing."""

from lrgd_jax.experiments.shared.markdown import count, per_cent, table


def mutant_tables(summary):
    """How many mutants died, by package and by operator, and each survivor with the reason why it is left."""
    total, config = summary["total"], summary["config"]
    deaths = ("killed", "timeout", "crashed", "survived", "not reached")

    def counted(rows, what):
        return table(
            [what, "mutants", *deaths, "killed in all"],
            [
                [name, x["mutants"], *(x[death] or "–" for death in deaths), per_cent(x["dead"] / x["mutants"])]
                for name, x in rows.items()
            ],
        )

    return [
        f"**{per_cent(total['dead'] / total['mutants'])}: {total['dead']} of {total['mutants']} mutants are killed** "
        f"(seed {config['seed']}, {config['mutants_a_package']} mutants a package, "
        f"[summary](results/mutants/summary.json)).",
        "",
        *counted({**summary["packages"], "all": total}, "package"),
        f"{count(len(summary['survivors']), 'survivor')}:",
        "",
        *table(
            ["where", "mutation", "kind", "why it is left"],
            [
                [
                    f"`{x['place'].removeprefix('lrgd_jax/')}`",
                    "<br>".join(f"`{line[0]} {line[1:].strip()}`" for line in x["diff"]),
                    x["kind"],
                    x["why"],
                ]
                for x in summary["survivors"]
            ],
        ),
        "By operator:",
        "",
        *counted(summary["operators"], "operator"),
    ]
