"""Takes finished runs of the experiments into the documentation: summaries and figures, not the rows.

python docs/collect_results.py RUNS_DIR [NAME ...]

RUNS_DIR/NAME is what `lrgd experiment NAME --out RUNS_DIR/NAME` and then `lrgd plot RUNS_DIR/NAME` wrote; all
experiments unless some are named. A run in another setting than the full one (or than that of `FURTHER`), an unfinished
one and one without a figure are refused, and then nothing is written.
"""

import dataclasses
import json
import shutil
import sys
from pathlib import Path

from PIL import Image

from lrgd_jax.atomic import write_json
from lrgd_jax.experiments import find, names
from lrgd_jax.experiments.perturbation.summaries import SMALLER
from lrgd_jax.experiments.running.config import resolve
from lrgd_jax.experiments.running.runner import load_run

RESULTS = Path(__file__).resolve().parent / "results"
LARGEST_FIGURE, COLOURS = 150_000, 64
FURTHER = {
    "dual-of-a-layer-smollm2": (
        "dual-of-a-layer",
        (
            "model=smollm2",
            "seeds=8",
            "demonstrations=4",
            "layers=0,10,20,29",
            "features=16,64,256,1024,4096",
            "degrees=64",
            "chain_prompts=0",
        ),
    ),
    "icl-against-fine-tuning-smollm2": (
        "icl-against-fine-tuning",
        (
            "model=smollm2",
            "seeds=8",
            "tuning=2",
            "demonstrations=4",
            "orders=3",
            "passes=1,2",
            "sgd_rates=0.003,0.01,0.03",
            "adam_rates=0.00001,0.00003,0.0001",
        ),
    ),
}
"""Results beside those of the defaults, by folder: the experiment, and what `--set` changes."""
ORDERED = {(kind, lower) for kind, lower, upper in SMALLER if upper == "none"}


def settings(config):
    """A configuration as summary.json holds it."""
    return json.loads(json.dumps(dataclasses.asdict(config)))


def asked(name):
    """The experiment of a folder of results, and its full setting."""
    experiment, changes = FURTHER.get(name, (name, ()))
    return experiment, resolve(find(experiment), overrides=changes)


def complaint(name, summary, units):
    """Why a summary is not that of a whole run in the full setting; None where it is."""
    of, config = asked(name)
    experiment = find(of)
    full, there = settings(config), summary["config"]
    if there == settings(experiment.QUICK):
        return "a --quick run; run it without --quick"
    if there != full:
        changed = sorted(key for key in {*full, *there} if full.get(key) != there.get(key))
        return f"a run in another setting ({', '.join(changed)}); run it with the defaults"
    if summary["units"] != len(experiment.units(config)) or units != summary["units"]:
        return "a run without all its units; go on with it by --resume"
    return None


def checked(name, directory):
    """The run and its figure.

    Raises:
        ValueError: it must not be taken.
    """
    try:
        run = load_run(directory)
    except FileNotFoundError as error:
        raise ValueError(f"{name}: {error}") from None
    summary = json.loads((directory / "summary.json").read_text())
    if run.name != asked(name)[0]:
        raise ValueError(f"{directory} holds a run of {run.name}, not of {asked(name)[0]}")
    why = complaint(name, summary, len(list((directory / "units").glob("*.parquet"))))
    if why:
        raise ValueError(f"{directory} holds {why}")
    figure = directory / f"{run.name}.png"
    if not figure.is_file():
        raise ValueError(f"{directory} holds no figure; draw it by `lrgd plot {directory}`")
    return run


def curves(rows):
    """Of every regularised curve of the experiment `perturbation`: how often it lies under the plain one, and how near
    it is to its prediction."""
    by_curve = {}
    for row in rows:
        curve = by_curve.setdefault((row["dual"], row["kind"], row["regulariser"]), {})
        curve[row["seed"], row["strength"]] = row
    return [
        compared(dual, kind, name, [(row, by_curve[dual, kind, "none"][point]) for point, row in curve.items()])
        for (dual, kind, name), curve in by_curve.items()
        if name != "none"
    ]


def compared(dual, kind, name, pairs):
    """One curve against the plain one, point by point."""
    found = {"dual": dual, "kind": kind, "regulariser": name, "points": len(pairs)}
    # the experiment says for the linear dual where theory orders two curves
    found["theory says it lies below"] = dual == "linear" and (kind, name) in ORDERED
    for which in ("predicted", "measured"):
        ratios = [low[f"rms_{which}"] / up[f"rms_{which}"] for low, up in pairs]
        found[f"below, {which}"] = sum(ratio <= 1 for ratio in ratios)
        found[f"smallest ratio, {which}"], found[f"largest ratio, {which}"] = min(ratios), max(ratios)
    found["closed form"] = all(row["closed_form"] for row, _ in pairs)
    exactness = [row["rms_measured"] / row["rms_predicted"] for row, _ in pairs]
    found["smallest measured/predicted"], found["largest measured/predicted"] = min(exactness), max(exactness)
    return found


def keep_figure(source, target):
    """Copies a picture with a palette in place of full colours, which takes a third of the space.

    Raises:
        ValueError: it is still too large.
    """
    with Image.open(source) as picture:
        picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)
    if target.stat().st_size >= LARGEST_FIGURE:
        raise ValueError(f"{target} has {target.stat().st_size} bytes; fewer than {LARGEST_FIGURE} are kept")


def main(runs, chosen):
    """Checks every run before anything is written."""
    found = {}
    for name in chosen or [*names(), *FURTHER]:
        try:
            found[name] = checked(name, runs / name)
        except ValueError as error:
            sys.exit(f"nothing was written: {error}")
    for name, run in found.items():
        folder = RESULTS / name
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(runs / name / "summary.json", folder / "summary.json")
        keep_figure(runs / name / f"{run.name}.png", folder / "figure.png")
        if name == "perturbation":
            write_json(folder / "curves.json", {"curves": curves(run.rows)})
    print(f"in {RESULTS}: {len(found)} of the runs")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2:])
