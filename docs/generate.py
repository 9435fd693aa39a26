"""Writes the pages that come from code (the claims, the API, the notebooks), and the tables of the experiments.

python docs/generate.py
"""

import ast
import base64
import inspect
import json
import shutil
from pathlib import Path

from lrgd_jax.claims import Adjoint, Integers, Statistical, load_claims
from lrgd_jax.experiments import names

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
PACKAGE = ROOT / "lrgd_jax"


def fresh(folder):
    """An empty folder for generated pages."""
    shutil.rmtree(DOCS / folder, ignore_errors=True)
    (DOCS / folder).mkdir(parents=True)
    return DOCS / folder


def row(*cells):
    """A row of a table; a bar within a cell would end it."""
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def claims():
    """A page a claim, and a table of them."""
    folder, found = fresh("claims"), load_claims()
    for claim in found.values():
        (folder / f"{claim.slug}.md").write_text(claim_page(claim, found))
    lines = [
        "# Claims",
        "",
        "Each claim is a statement with a proof, two sides written independently of each other, and mutants: wrong",
        "versions of one side that the check must reject. `lrgd verify` checks them all, `lrgd verify SLUG` one of",
        "them; [How sure are we](../how-sure.md) says what such a check is worth.",
        "",
        row("claim", "what it says", "tolerance", "mutants"),
        row("---", "---", "---", "---"),
        *(
            row(f"[{claim.slug}]({claim.slug}.md)", claim.title, tolerance(claim)[0], len(claim.mutants))
            for claim in found.values()
        ),
        "",
        "A claim of your own is one file: see [State a claim of your own](../tutorials/own-claim.md).",
    ]
    (folder / "index.md").write_text("\n".join(lines) + "\n")


def tolerance(claim):
    """Where the tolerance of a claim comes from, in a word and in a sentence."""
    if isinstance(claim.tolerance, Adjoint):
        return "adjoint bound", "the adjoint bound of both traced sides (first order, for deep programs)"
    if isinstance(claim.tolerance, Statistical):
        chance = f"{claim.tolerance.false_alarm:.0e}"
        return "statistical", (
            "a deviation that a true claim exceeds on one instance with probability at most "
            f"{chance}, plus the running error of both traced sides"
        )
    return "running error", "the running error of both traced sides"


def claim_page(claim, known):
    """Statement, assumptions, proof, source, mutants, what is drawn, and the file itself."""
    file = Path(inspect.getsourcefile(claim.left))
    relation = "equals" if claim.relation == "equal" else "is at most"
    lines = [
        f"# {claim.title}",
        "",
        f"`{claim.slug}` · file `{file.relative_to(ROOT)}` · check it: `lrgd verify {claim.slug}`",
        "",
        "## Statement",
        "",
        linked(claim.statement, claim, known),
        *(["", "**Assumptions.**", "", *(f"- {text}" for text in claim.assumptions)] if claim.assumptions else []),
        "",
        "## Proof",
        "",
        linked(claim.proof, claim, known),
        "",
        "## Source",
        "",
        claim.source,
        "",
        "## How it is checked",
        "",
        f"The left side, `{claim.left.__name__}`, {relation} the right side, `{claim.right.__name__}`. "
        f"Tolerance: {tolerance(claim)[1]}.",
        "",
        row("mutant: what is wrong with it", "stands in for"),
        row("---", "---"),
        *(row(mutant.name, f"the {mutant.replaces} side") for mutant in claim.mutants),
        "",
        row("argument", "shape"),
        row("---", "---"),
        *(row(f"`{name}`", shape_in_words(shape)) for name, shape in claim.arguments.items()),
        "",
        row("dimension", "searched for counterexamples", *(f"check {k + 1}" for k in range(len(claim.shapes)))),
        row("---", "---", *("---" for _ in claim.shapes)),
        *(
            row(f"`{name}`", f"{smallest} to {largest}", *(shape[name] for shape in claim.shapes))
            for name, (smallest, largest) in claim.dimensions.items()
        ),
        "",
        '??? example "The file"',
        "",
        "    ```python",
        *(f"    {line}".rstrip() for line in file.read_text().splitlines()),
        "    ```",
    ]
    return "\n".join(lines) + "\n"


def linked(text, claim, known):
    """The text, with the names of other claims linked to their pages."""
    for slug in known:
        if slug != claim.slug:
            text = text.replace(f"`{slug}`", f"[`{slug}`]({slug}.md)")
    return text.strip()


def shape_in_words(shape):
    """The declared shape of an argument."""
    if isinstance(shape, Integers):
        axes = f"`[{', '.join(shape.shape.split())}]`" if shape.shape else "one number"
        return f"{axes}, whole numbers below `{shape.below}`"
    return f"`[{', '.join(shape.split())}]`" if shape.split() else "one number"


def api():
    """A page a folder of the package, a section a module."""
    folder = fresh("api")
    rooms = {"ground": sorted(PACKAGE.glob("[!_]*.py"))}
    for init in sorted(PACKAGE.glob("*/__init__.py")):
        rooms[init.parent.name] = sorted(init.parent.glob("[!_]*.py"))
    titles = {"ground": ("Features, kernels, positions, types", "What everything else stands on.")}
    lines = ["# API", "", "One page a folder of the package, one section a module.", "", row("folder", "what it holds")]
    lines.append(row("---", "---"))
    for name, modules in rooms.items():
        if not modules:
            continue
        title, summary = titles.get(name) or (name, first_line(PACKAGE / name / "__init__.py"))
        lines.append(row(f"[{title}]({name}.md)", summary))
        page = [f"# {title}", "", summary, ""]
        for module in modules:
            dotted = ".".join(module.relative_to(ROOT).with_suffix("").parts)
            page += [f"::: {dotted}", ""]
        (folder / f"{name}.md").write_text("\n".join(page))
    (folder / "index.md").write_text("\n".join(lines) + "\n")


def first_line(file):
    """The first sentence of a module's docstring."""
    return (ast.get_docstring(ast.parse(file.read_text())) or "").split("\n")[0]


def notebooks():
    """A page a notebook: its text, its code, and the outputs that it was kept with."""
    folder = fresh("notebooks")
    for file in sorted((ROOT / "notebooks").glob("*.ipynb")):
        page = []
        for number, cell in enumerate(json.loads(file.read_text())["cells"]):
            source = "".join(cell["source"])
            if cell["cell_type"] == "markdown":
                page += [source, ""]
                continue
            page += ["```python", source, "```", ""]
            for output in cell["outputs"]:
                page += shown(output, folder / f"{file.stem}-{number}.png")
        (folder / f"{file.stem}.md").write_text("\n".join(page))


def shown(output, picture):
    """One output of a cell: its picture where it has one, else its text."""
    data = output.get("data", {})
    if "image/png" in data:
        picture.write_bytes(base64.b64decode("".join(data["image/png"])))
        return [f"![output of the cell above]({picture.name})", ""]
    text = "".join(output.get("text") or data.get("text/plain") or "")
    return ["```text", text.rstrip(), "```", ""]


def experiments():
    """A file of tables an experiment, to be included in the page on experiments."""
    for name in names():
        (DOCS / "results" / f"{name}.md").write_text("\n".join(numbers(name)) + "\n")


def numbers(name):
    """What wrote a result, and its headline numbers, from the summary that is kept."""
    folder = DOCS / "results" / name
    kept = json.loads((folder / "summary.json").read_text())
    device, versions = kept["device"], kept["versions"]
    origin = (
        f"*Written by the command above with jax {versions['jax']} on {device['platform'].upper()}: "
        f"{count(kept['seeds'], 'seed')}, {kept['rows']:,} rows ([summary](results/{name}/summary.json)).*"
    )
    tables = {
        "constructed-vs-trained": against_constructed,
        "steps-and-depth": by_depth,
        "perturbation": perturbed,
        "regularisation": best_knobs,
        "random-features": feature_errors,
        "contexts": context_errors,
    }
    return [origin, "", *tables[name](kept["summary"], folder)]


def table(header, rows):
    """A table of strings."""
    return [row(*header), row(*("---" for _ in header)), *(row(*cells) for cells in rows), ""]


def shown_number(x, digits=3):
    """A number with so many digits."""
    if not isinstance(x, float) or x == int(x):
        return f"{x:,}" if isinstance(x, int) else f"{x:g}"
    mantissa, _, exponent = f"{x:.{digits}g}".partition("e")
    return rf"${mantissa}\cdot10^{{{int(exponent)}}}$" if exponent else mantissa


def per_cent(x):
    """A share; a small one keeps its digits."""
    text = f"{100 * x:.2f} %" if 0 < abs(x) < 0.1 else f"{100 * x:.0f} %"
    return text.replace("-", "−")


def count(number, noun):
    """So many of something."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def against_constructed(summary, _):
    """Trained stacks against both constructed ones, by depth."""
    depths = {key: value for key, value in summary.items() if isinstance(value, dict)}
    lines = {
        "loss above the reference's (mean; worst seed)": lambda x: (
            f"{per_cent(x['excess loss'])}; {per_cent(x['largest excess loss'])}"
        ),
        "cosine of predictions (mean; worst seed)": lambda x: (
            f"{x['prediction cosine']:.5f}; {x['smallest prediction cosine']:.5f}"
        ),
        "cosine of sensitivities to the query": lambda x: f"{x['sensitivity cosine']:.5f}",
        "loss between the two sets of weights, above the worse end": lambda x: per_cent(
            x["largest loss between the weights, over the worse end"]
        ),
        "largest ratio of the losses at other scales": lambda x: shown_number(
            x["largest ratio of the losses at other scales"], 4
        ),
    }
    columns = [
        (f"{depth}, against {key.removeprefix('against ')}", value[key])
        for depth, value in depths.items()
        for key in value
        # one layer of GD++ predicts what one layer of descent does
        if key.startswith("against") and not (depth == "1 layer" and key.endswith("GD++"))
    ]
    losses = {depth: value["losses"] for depth, value in depths.items()}
    return [
        *table(["", *(title for title, _ in columns)], [[k, *(f(x) for _, x in columns)] for k, f in lines.items()]),
        *table(
            ["test loss", *losses],
            [[k, *(shown_number(x[k], 4) for x in losses.values())] for k in ("trained", "descent", "GD++")],
        ),
        f"Best loss of one step, in closed form: {summary['best loss of one step, closed form']:.4f}.",
    ]


def by_depth(summary, _):
    """The best losses by depth, and what training makes of it."""
    losses, excess = summary["best losses"], summary["excess loss of trained stacks"]
    worth = summary["steps of descent worth K layers of GD++"]
    depths = list(dict.fromkeys(k for by_k in losses.values() for k in by_k))
    return [
        *table(
            ["K layers", *losses, "GD++ is worth", "trained, above descent", "trained, above GD++"],
            [
                [
                    k,
                    *(shown_number(by_k[k]) if k in by_k else "–" for by_k in losses.values()),
                    f"{worth[k]} {'step' if worth[k] == '1' else 'steps'}" if k in worth else "–",
                    *(per_cent(excess[k][name]) if name in excess.get(k, {}) else "–" for name in ("descent", "GD++")),
                ]
                for k in depths
            ],
        ),
        f"The loss of predicting zero is {shown_number(summary['loss of predicting zero'], 4)}. K constructed layers "
        "and K steps by automatic differentiation differ by at most "
        f"{summary['largest difference of layers and steps, in units of the rounding bound']:.2g} of the bound on the "
        "rounding errors of both programs.",
    ]


def perturbed(summary, folder):
    """Agreement with the closed forms, and where regularised curves lie."""
    curves = json.loads((folder / "curves.json").read_text())["curves"]
    return [
        *table(
            ["", ""],
            [
                ["grid points (dual, perturbation, regulariser, strength, seed)", f"{summary['grid_points']:,}"],
                ["of these with a closed form", f"{summary['with_closed_form']:,}"],
                ["of these in agreement", per_cent(summary["agreeing_fraction"])],
                [
                    "limit of the z-scores (false alarm of the whole grid: one in a thousand)",
                    f"{summary['z_limit']:.2f}",
                ],
                ["worst z-score of a mean shift", f"{summary['worst_mean_z']:.2f}"],
                ["worst z-score of a mean square", f"{summary['worst_square_z']:.2f}"],
                [
                    "worst targets: largest relative gap to the closed form",
                    shown_number(summary["worst_targets_relative_gap"], 2),
                ],
                ["ordered by theory: regularised below the other", per_cent(summary["regularised_below_measured"])],
            ],
        ),
        "Regularised curves against the plain one. In each cell: at how many points the measured root mean square "
        "shift is no larger than without regularisation, and the largest ratio of the two. **Bold**: theory says that "
        "it lies below.",
        "",
        *against_plain([curve for curve in curves if curve["dual"] == "linear"]),
        *against_plain([curve for curve in curves if curve["dual"] == "softmax"]),
        "Where theory has no closed form, only the first order in the variance or the rate: root mean square shifts in "
        "units of that prediction, from the smallest ratio over strengths and seeds to the largest.",
        "",
        *table(
            ["perturbation", "regulariser", "measured/predicted"],
            [
                [
                    curve["kind"],
                    curve["regulariser"],
                    f"{curve['smallest measured/predicted']:.2f} to {curve['largest measured/predicted']:.2f}",
                ]
                for curve in curves
                if not curve["closed form"]
            ],
        ),
    ]


def against_plain(curves):
    """A table of one dual's regularised curves: how often, and by how much, they lie above the plain one."""
    regularisers = list(dict.fromkeys(curve["regulariser"] for curve in curves))
    by_place = {(curve["kind"], curve["regulariser"]): curve for curve in curves}

    def cell(curve):
        text = f"{curve['below, measured']}/{curve['points']}, {curve['largest ratio, measured']:.2f}"
        return f"**{text}**" if curve["theory says it lies below"] else text

    kinds = dict.fromkeys(curve["kind"] for curve in curves)
    rows = [[kind, *(cell(by_place[kind, name]) for name in regularisers)] for kind in kinds]
    return table([f"{curves[0]['dual']} dual", *regularisers], rows)


def best_knobs(summary, _):
    """The best value of every knob."""
    return [
        *table(
            ["switch", "best value, measured", "its error", "best value, in theory", "its error"],
            [
                [
                    knob,
                    shown_number(best["value_measured"]),
                    f"{best['error_measured']:.4f}",
                    shown_number(best["value_predicted"]),
                    f"{best['error_predicted']:.4f}",
                ]
                for knob, best in summary["best"].items()
            ],
        ),
        f"Of {count(summary['grid_points'], 'grid point')}, {per_cent(summary['agreeing_fraction'])} agree with their "
        f"closed forms: the worst z-score of a mean is {summary['worst_mean_z']:.2f}, of a squared error "
        f"{summary['worst_error_z']:.2f}, and the limit is {summary['z_limit']:.2f} (false alarm of the whole grid: "
        "one in a thousand).",
    ]


def feature_errors(summary, _):
    """Slopes, and measured errors in units of the predicted ones."""
    gains = summary["gain of orthogonal rows"]
    distance = "largest distance in standard errors"
    return [
        *table(
            [
                "quantity",
                "rows",
                "slope (theory: −1)",
                "prediction",
                "error/predicted",
                "at most features",
                "worst z-score",
            ],
            [
                [
                    line["quantity"],
                    line["rows"],
                    f"{line['slope']:.3f}".replace("-", "−"),
                    line.get("prediction", "none"),
                    *(
                        f"{line[key]:.3f}" if key in line else "–"
                        for key in ("error/predicted", "error/predicted at most features")
                    ),
                    f"{line[distance]:.2f}" if distance in line else "–",
                ]
                for line in summary["errors"]
            ],
        ),
        "Error of plain rows over that of orthogonal ones, from $r = d$ features on: "
        + ", ".join(f"{key} {x:.3f}" for key, x in gains.items())
        + ".",
    ]


def context_errors(summary, _):
    """Errors and how tight their bounds are, by the number of demonstrations."""
    lines = {(line["dual"], line["demonstrations"]): line for line in summary["tightness"]}
    duals = list(dict.fromkeys(dual for dual, _ in lines))
    ratios = ("mean bound/error", "task bound/error", "error/lower bound")
    return [
        *table(
            ["N", *(f"{dual}: {key}" for dual in duals for key in ("error", *ratios))],
            [
                [n, *(f"{lines[dual, n][key]:.3f}" for dual in duals for key in ("error", *ratios))]
                for n in dict.fromkeys(n for _, n in lines)
            ],
        ),
        *table(
            ["", *duals],
            [
                [
                    "mean error above its bound, in standard errors, at most",
                    *(
                        f"{summary[dual]['mean error above its bound, in standard errors, at most']:.2f}"
                        for dual in duals
                    ),
                ],
                [
                    "tasks above their own bound",
                    *(f"{summary[dual]['tasks above their bound']:,} of {summary[dual]['tasks']:,}" for dual in duals),
                ],
                ["share that is allowed", *(per_cent(summary[dual]["allowed share"]) for dual in duals)],
            ],
        ),
    ]


if __name__ == "__main__":
    claims()
    api()
    notebooks()
    experiments()
