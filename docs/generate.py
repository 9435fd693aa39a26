"""Writes the pages that come from code (the claims, the API, the notebooks), and the tables of the experiments.

python docs/generate.py
"""

import ast
import base64
import inspect
import json
import shutil
import statistics
from pathlib import Path

import jax

from lrgd_jax.certify import coverage
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


def primitives():
    """Which primitive has a rule in which layer."""
    (DOCS / "primitives.md").write_text(primitives_page())


def primitives_page():
    """The table of primitives, from the registries that the walker uses."""
    found = coverage()
    known = sum(one.known for one in found.values())
    lines = [
        "# Primitives",
        "",
        f"Every program is walked one JAX primitive after the other. Of the {len(found)} primitives that JAX",
        f"{jax.__version__} and this package name, {known} have a rule in at least one layer; the others raise an",
        "error with your own line and, where there is one, the spelling that is covered. The table is read off the",
        "registries (`lrgd_jax.certify.coverage()`).",
        "",
        "- **rule**: the layer knows what the primitive does to its numbers; **written out**: in simpler primitives;",
        "  **moved**: it only chooses which entry goes where; **walked**: calls, branches and loops; **integers**:",
        "  evaluated as it stands, and any other primitive too where all its operands are integers or booleans.",
        "- **free symbol**: prime fields certify identities that hold whatever the function is; **case by case**: they",
        "  decide each pattern of comparisons by itself; **by its law**: $e^{x+y} = e^x e^y$ and its inverse.",
        "- **complex**: the exact layers have it for complex numbers too.",
        "",
        row("primitive", "rounding", "prime fields", "rationals", "balls", "complex", "in its place, or why not"),
        row(*["---"] * 7),
        *(
            row(
                f"`{name}`",
                *(word or "–" for word in (one.rounding, one.fields, one.rationals, one.balls)),
                "yes" if one.complex else "–",
                one.advice or "–",
            )
            for name, one in found.items()
        ),
    ]
    return "\n".join(lines) + "\n"


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
        rooms[init.parent.name] = sorted(init.parent.rglob("[!_]*.py"))
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
    """One output of a cell: its picture where it has one, else its HTML, else its text."""
    data = output.get("data", {})
    if "image/png" in data:
        picture.write_bytes(base64.b64decode("".join(data["image/png"])))
        return [f"![output of the cell above]({picture.name})", ""]
    if "text/html" in data:
        return ["".join(data["text/html"]), ""]
    text = "".join(output.get("text") or data.get("text/plain") or "")
    return ["```text", text.rstrip(), "```", ""]


def experiments():
    """A file of tables an experiment, to be included in the page on experiments."""
    for name in names():
        (DOCS / "results" / f"{name}.md").write_text("\n".join(numbers(name)) + "\n")


def mutants():
    """The tables of mutation testing, to be included in the page on it."""
    summary = json.loads((DOCS / "results" / "mutants" / "summary.json").read_text())
    (DOCS / "results" / "mutants.md").write_text("\n".join(mutant_tables(summary)) + "\n")


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
        "recommend": recommenders,
        "effect": predicted_effects,
        "selection": selected,
        "two-stage": adapted_rates,
        "equivalence-on-data": equal_lists,
        "robustness": attacked_data,
        "adaptability": adapting,
        "dual-of-a-layer": layer_duals,
        "icl-against-fine-tuning": fine_tuning,
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


def between(found, digits=2):
    """A number with its interval."""
    text = f"{found['value']:.{digits}f} ({found['low']:.{digits}f} to {found['high']:.{digits}f})"
    return text.replace("-", "−")


def attacked_data(summary, _):
    """Detection of the fakes, what attacks and their defences cost, and regularisers against perturbations."""
    return [
        *detected(summary["detection"]),
        *defended(summary["attacks"]),
        *regularised(summary["perturbations"] + [x for x in summary["attacks"] if x["part"] == "clean"]),
    ]


def detected(lines):
    """How well effects tell fake from honest."""
    levels = {
        "one demonstration": "area_demonstration",
        "all of one account": "area_account",
        "all that lead to one item": "area_item",
        "wanted over promised": "area_lift",
    }
    rows = [
        [x["kind"], per_cent(x["share"]), f"{x['fakes']:,.0f}"]
        + [f"{x[key]:.4f}; {x[f'smallest {key}']:.4f}" for key in levels.values()]
        for x in lines
    ]
    header = ["attack", "share", "fakes", *levels]
    text = "Area under the ROC curve, pushing against honest; mean over the seeds; worst seed:"
    return [text, "", *table(header, rows)]


def defended(lines):
    """How often the pushed item is shown, and NDCG@10 against the data before the attack."""
    found = {}
    for x in lines:
        label = f"{x['kind']}, {per_cent(x['strength'])}" if x["part"] == "attack" else "no attack"
        found.setdefault(label, {})[x["regulariser"]] = x
    names = list(found["no attack"])
    attacked = [(label, own) for label, own in found.items() if label != "no attack"]
    shown = [[label, *(per_cent(x["attack_share"]) for x in own.values())] for label, own in attacked]
    return [
        "Share of the lists of ten that show the pushed item, by regulariser:",
        "",
        *table(["attack, share", *names], shown),
        "NDCG@10 of honest users against that without attack (95 % over users), and what pruning takes:",
        "",
        *table(
            ["attack, share", *(f"{name}{what}" for name in LOSSES for what in LOSSES[name])],
            [[label, *(cell for name in LOSSES for cell in lost(own[name]))] for label, own in found.items()],
        ),
    ]


LOSSES = {
    "none": ("",),
    "pruning: worst 5 %": ("", ": fakes, honest"),
    "pruning: outlying items": ("", ": fakes, honest"),
}


def lost(line):
    """The relative change of NDCG@10, and the shares that were pruned."""
    ends = f"({per_cent(line['relative change low'])} to {per_cent(line['relative change high'])})"
    cells = [f"{per_cent(line['relative change'])} {ends}"]
    if "honest_pruned" in line:
        fakes = per_cent(line["fake_pruned"]) if "fake_pruned" in line else "–"
        cells.append(f"{fakes}, {per_cent(line['honest_pruned'])}")
    return cells


def regularised(lines):
    """The gain of every regulariser in NDCG@10 over none; bold where it is seen for all cells together."""
    names = list(dict.fromkeys(x["regulariser"] for x in lines if x["regulariser"] != "none"))
    found = {(x["kind"], x["strength"], x["regulariser"]): x for x in lines}
    conditions = list(dict.fromkeys((x["kind"], x["strength"]) for x in lines))
    rows = []
    for kind, strength in conditions:
        plain = found[kind, strength, "none"]
        gains = [found[kind, strength, name] for name in names]
        shown = [per_cent(x["gain"] / plain["ndcg"]) for x in gains]
        marked = [f"**{text}**" if x["verdict"] != "none seen" else text for text, x in zip(shown, gains, strict=True)]
        label = f"{kind}, {strength:g}" if plain["part"] == "perturbation" else "nothing"
        rows.append([label, f"{plain['ndcg']:.4f}", per_cent(plain["relative change"]), *marked])
    text = "Gain in NDCG@10 by each regulariser, relative to none; bold where seen at 95 % for all cells together:"
    return [text, "", *table(["perturbation", "NDCG@10", "against none of it", *names], rows)]


def adapting(summary, _):
    """Every variant on every data set, all windows together, and how the gap to the frozen one goes on."""
    rows = []
    for x in summary["variants"]:
        interval = f"({x['ndcg_low']:.4f} to {x['ndcg_high']:.4f})"
        cells = [x["data"].removeprefix("amazon_"), x["variant"], f"{x['ndcg']:.4f} {interval}", f"{x['hit_rate']:.4f}"]
        if x["variant"] == "frozen":
            rows.append([*cells, "", "", "", "", ""])
            continue
        over = (f"over_{other}" for other in ("frozen", "updated"))
        gaps = [f"{x[key]:+.4f} ({x[f'{key}_low']:+.4f} to {x[f'{key}_high']:+.4f})" for key in over]
        above = f"{x['windows clearly above']} / {x['windows clearly below']}"
        halves = f"{x['gap in the first half']:+.4f} / {x['gap in the second half']:+.4f}"
        slope = "slope of the gap per window"
        line = f"{x[slope]:+.5f} ({x['slope low']:+.5f} to {x['slope high']:+.5f})" if slope in x else ""
        rows.append([*cells, gaps[0], gaps[1] if x["variant"] != "updated" else "", above, halves, line])
    header = [
        "data",
        "recommender",
        "NDCG@10 (95 %)",
        "HR@10",
        "NDCG@10 above the frozen one",
        "above the updated one",
        "windows clearly above / below",
        "gap in the first / second half",
        "slope of the gap per window",
    ]
    return table(header, [[x.replace("-", "−") if k > 3 else x for k, x in enumerate(row)] for row in rows])


def with_smollm2(tables, summary, folder):
    """The tables of a result, and those of the run on the larger model where there is one."""
    further = folder.with_name(f"{folder.name}-smollm2") / "summary.json"
    if not further.is_file():
        return tables(summary)
    kept = json.loads(further.read_text())
    title = f"**SmolLM2-135M** ([summary](results/{folder.name}-smollm2/summary.json))"
    return ["**stories260K**", "", *tables(summary), title, "", *tables(kept["summary"])]


def layer_duals(summary, folder):
    """Steps by layer, features that a finite dual needs, and the tokens of the chains."""
    return with_smollm2(layer_tables, summary, folder)


def layer_tables(summary):
    """The same of one run."""
    columns = {
        "change of the output": lambda x: between(x["change"]),
        "attention on the demonstrations": lambda x: between(x["attention_on_demonstrations"]),
        r"$\log_{10}$ of the step's size": lambda x: between(x["log10_size"], 1),
        "the same, keys centred": lambda x: between(x["log10_size_centred"], 1),
        "effective rank": lambda x: between(x["rank"]),
        "alignment": lambda x: between(x["alignment"], 3),
        "alignment, zero-shot": lambda x: between(x["zero_shot_alignment"], 3),
    }
    layers = {**summary["layers"], "all": summary["all layers"]}
    needed = [line for line in summary["needed features"] if line["layer"] == "all"]
    quantiles = [key for key in needed[0] if key.endswith("of heads")]
    return [
        f"At the query's last token, over {count(summary['prompts'], 'prompt')}: medians with quartiles over heads and "
        "prompts; alignments are means with 95 % bootstrap intervals over prompts.",
        "",
        *table(["layer", *columns], [[k, *(f(x) for f in columns.values())] for k, x in layers.items()]),
        "Features with which so many of the heads' outputs meet a relative error, all layers together:",
        "",
        *table(
            ["error", "features", "keys", "met by", *quantiles],
            [
                [
                    per_cent(line["error"]),
                    line["map"],
                    line["keys"],
                    per_cent(line["reached"]),
                    *(whole(line[key]) for key in quantiles),
                ]
                for line in needed
            ],
        ),
        *chain_table(summary["chains"]),
    ]


def whole(x):
    """A number of features, or the bound that it exceeds."""
    bound = isinstance(x, str)
    number = float(x.removeprefix(">")) if bound else float(x)
    mantissa, _, exponent = f"{number:.1e}".partition("e")
    text = rf"${mantissa}\cdot10^{{{int(exponent)}}}$" if number >= 1e6 else f"{number:,.0f}"
    return f"> {text}" if bound else text


def chain_table(chains):
    """Agreement of the greedy tokens; nothing where no chain was run."""
    if not chains:
        return []
    return [
        f"Greedy tokens of the decoder ({chains[0]['tokens']} a prompt) that the chain of duals gives, and how many it "
        "gives before its first other one:",
        "",
        *table(
            ["chain", "keys", "features in every layer", "share of tokens", "before the first other one"],
            [
                [
                    x["chain"],
                    x.get("keys", "–"),
                    f"{x['features']:,}" if "features" in x else "–",
                    between(x["agreeing"]),
                    between(x["leading"], 1),
                ]
                for x in chains
            ],
        ),
    ]


def fine_tuning(summary, folder):
    """In-context prediction, and the model without demonstrations, fine-tuned or not."""
    return with_smollm2(fine_tuning_tables, summary, folder)


def fine_tuning_tables(summary):
    """The same of one run; the rule by which rates come nearest to ICL in the table, the other below."""
    columns = {
        "KL from ICL": lambda x: between(x["kl"]) if "kl" in x else "–",
        "KL": lambda x: in_units(x, "kl / zero-shot"),
        "total variation": lambda x: in_units(x, "total_variation / zero-shot"),
        "Jensen-Shannon": lambda x: in_units(x, "jensen_shannon / zero-shot"),
        "KL at the last token": lambda x: in_units(x, "kl_last / zero-shot"),
        "likeliest token is ICL's": lambda x: between(x["top_1"]) if "top_1" in x else "–",
        "overlap of ten": lambda x: between(x["top_10"]) if "top_10" in x else "–",
        "log probability of the target": lambda x: between(x["likelihood"]) if "likelihood" in x else "–",
        "its deviation over orders": lambda x: between(x["order_deviation"]) if "order_deviation" in x else "–",
    }
    shown_lines = [x for x in summary["methods"] if x.get("rule", "nearest") == "nearest"]
    others = [x for x in summary["methods"] if x.get("rule") == "likeliest"]
    ratios = [x["kl / zero-shot"]["value"] for x in others]
    edges = summary["rates at the edge of their range"]
    return [
        f"Means over {count(summary['prompts'], 'prompt')} with 95 % bootstrap intervals, at the query's tokens; "
        "the four columns after the first divergence are in units of that of the model without demonstrations.",
        "",
        *table(
            ["prediction", "learning rate", *columns],
            [[method(x), x.get("learning_rate", "–"), *(f(x) for f in columns.values())] for x in shown_lines],
        ),
        "Learning rates in the table are those that come nearest to ICL on other prompts. Those that make the target "
        f"likeliest there leave a KL divergence of {min(ratios):.2f} to {max(ratios):.2f} of the zero-shot model's. "
        f"Chosen at the edge of the range that was tried: {len(edges)} of {summary['fine-tuned ones']} rates.",
        "",
    ]


def method(line):
    """A way to predict, in words."""
    if line["method"] != "fine-tuned":
        return line["method"]
    optimiser = {"sgd": "SGD", "adam": "Adam"}[line["optimiser"]]
    return f"{optimiser}, {line['batches']}, {line['passes']} {'pass' if line['passes'] == 1 else 'passes'}"


def in_units(line, key):
    """A relative distance with its interval."""
    return between(line[key]) if key in line else "–"


def recommenders(summary, _):
    """Every recommender on every data set, against the reference."""
    sets = [key for key, x in summary.items() if isinstance(x, dict)]
    lines = []
    for label in sets:
        found = summary[label]
        lines += [f"`{label}`, {count(found['rows'][0].get('users', 0), 'user')}:", ""]
        rows = []
        for x in found["rows"]:
            if "left out" in x:
                rows.append([x["recommender"], "–", "–", "–", x["left out"]])
                continue
            gap = f"{x['NDCG@10 gap']:+.4f} ({x['NDCG@10 gap low']:+.4f} to {x['NDCG@10 gap high']:+.4f})"
            name = f"**{x['recommender']}**" if x["recommender"] == found["best"] else x["recommender"]
            gain = f"{x['NDCG@10']:.4f} ({x['NDCG@10 low']:.4f} to {x['NDCG@10 high']:.4f})"
            rows.append([name, f"{x['HR@10']:.4f}", gain, gap.replace("-", "−"), f"{x['NDCG@10 p']:.2g}"])
        lines += table(["", "HR@10", "NDCG@10", f"NDCG@10 above {summary['reference']}", "p"], rows)
    return lines


def predicted_effects(summary, _):
    """Correlations of predicted and true changes, and the metrics without a share of the context."""
    cells = ("pearson", "spearman", "same sign", "slope")
    rows = []
    for kind in ("demonstrations", "users"):
        parts = [("validation loss", summary[kind]["valid"]), ("test loss", summary[kind]["test"])]
        parts += [(f"validation loss, size {x['stratum']} of 4", x) for x in summary[kind]["by size"]]
        rows += [
            [
                f"single {kind}: {what}",
                x["removals"],
                *(f"{x[key]:.2f}".replace("-", "−") if key in x else "–" for key in cells),
            ]
            for what, x in parts
        ]
    shares = [
        [
            f"the {x['which']} {per_cent(x['share'])}",
            f"{x['HR@10']:.4f}",
            f"{x['NDCG@10']:.4f}",
            f"{per_cent(x['gain'])} ({per_cent(x['gain_low'])} to {per_cent(x['gain_high'])})",
            f"{x['valid loss']:.4f}",
        ]
        for x in summary["shares"]
    ]
    return [
        *table(["taken out, and what changes", "removals", "Pearson", "Spearman", "same sign", "slope"], rows),
        *table(["taken out", "test HR@10", "test NDCG@10", "against all of them", "validation loss"], shares),
    ]


def selected(summary, _):
    """Hit rates by selector and budget."""
    reads = set(summary["read validation labels"])

    def label(name):
        mark = " (†)" if name in reads else " (reads the test items)" if name in summary["read the test items"] else ""
        return name + mark

    lines = []
    for scope, title in (("shared", "One context for all users"), ("personal", "A context for each user")):
        own = summary[scope]
        ends = [x for x in own if x["selector"] in ("none", "all")]
        curves = [x for x in own if x["selector"] not in ("none", "all")]
        budgets = list(dict.fromkeys(x["budget"] for x in curves))
        by_place = {(x["selector"], x["budget"]): x for x in curves}
        names = dict.fromkeys(x["selector"] for x in curves)
        cells = [
            [label(name), *(f"{by_place[name, k]['HR@10']:.4f}" if (name, k) in by_place else "–" for k in budgets)]
            for name in names
        ]
        # the size of a pool differs from seed to seed, and so does the budget of "all"
        means = {
            name: statistics.fmean(x["HR@10"] for x in ends if x["selector"] == name)
            for name in dict.fromkeys(x["selector"] for x in ends)
        }
        edge = ", ".join(f"{name} of them {x:.4f}" for name, x in sorted(means.items(), key=lambda pair: pair[1]))
        lines += [f"{title}, test HR@10, mean over the seeds ({edge}):", ""]
        lines += table(["selector", *(f"K = {k:,}" for k in budgets)], cells)
    ratios = [x for x in summary["shared"] if x["budget"] == 5000 and "ratio" in x and x["selector"] != "random"]
    lines += ["HR@10 in units of the random choice at K = 5,000 (smallest and largest end of a 95 % interval):", ""]
    lines += table(
        ["selector", "ratio", "interval over all seeds"],
        [
            [label(x["selector"]), f"{x['ratio']:.2f}", f"{x['smallest ratio']:.2f} to {x['largest ratio']:.2f}"]
            for x in sorted(ratios, key=lambda x: x["ratio"])
        ],
    )
    return [*lines, "(†) reads what validation users took; the others read no label."]


def adapted_rates(summary, _):
    """What is chosen one step back, what stage two gains there, and what further updates cost."""
    start = summary["rates 1"]
    rows = [
        [
            "",
            "rates 1",
            f"{start['HR@10']:.4f}",
            f"{start['NDCG@10']:.4f}",
            "–",
            "100 %",
            f"{start['effective rank']:.0f}",
        ]
    ]
    for path in ("free", "guarded"):
        for when in ("at the chosen update", "after further updates", "best of all updates (reads the test items)"):
            x = summary[path][when]
            rows.append(
                [
                    path,
                    f"{when}: {x['update']}",
                    f"{x['HR@10']:.4f}",
                    f"{x['NDCG@10']:.4f}",
                    f"{per_cent(x['gain'])} ({per_cent(x['gain_low'])} to {per_cent(x['gain_high'])})",
                    per_cent(x["voices"]),
                    f"{x['effective rank']:.0f}",
                ]
            )
    back, chosen = summary["one step back"], summary["chosen"]
    change = {path: per_cent(summary[path]["change by further updates"]) for path in ("free", "guarded")}
    new = "NDCG@10 with the new transitions"
    return [
        *table(["path", "update", "test HR@10", "test NDCG@10", "gain", "voices", "effective rank"], rows),
        "One step back, where the validation items are asked, NDCG@10 is",
        "",
        *table(
            ["origins", "temperature", *(count(k, "update") for k in range(len(back[0]["NDCG@10"])))],
            [[str(x["origins"]), f"{x['temperature']:g}", *(f"{y:.4f}" for y in x["NDCG@10"])] for x in back],
        ),
        f"which chooses {count(chosen['origins'], 'origin')}, temperature {chosen['temperature']:g}, "
        f"{count(chosen['updates'], 'update')} and, for the guard, {per_cent(chosen['voices'])} of the voices. On "
        f"the test items further updates then change NDCG@10 by {change['free']} without the guard and by "
        f"{change['guarded']} with it. With the validation transitions added to the context at rate 1: "
        f"{start[new]:.4f} at rates 1, {summary['free']['at the chosen update'][new]:.4f} at the chosen update.",
    ]


def equal_lists(summary, _):
    """What was compared, and whose lists are the same."""
    duals = {key: x for key, x in summary.items() if isinstance(x, dict)}
    return table(
        [
            "dual",
            "users",
            "scores",
            "largest difference",
            "in units of the bound",
            f"same {summary['k']} items in order",
            "other lists",
        ],
        [
            [
                name,
                f"{x['users']:,}",
                f"{x['scores']:,}",
                shown_number(x["largest difference"], 2),
                shown_number(x["difference/bound"], 2),
                f"{x['same lists']:,}",
                f"{x['other lists']:,}",
            ]
            for name, x in duals.items()
        ],
    )


if __name__ == "__main__":
    claims()
    primitives()
    api()
    notebooks()
    experiments()
    mutants()
