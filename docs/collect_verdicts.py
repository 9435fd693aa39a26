"""Takes a run of `lrgd verify` into the documentation: what each claim came to, in a few numbers.

python docs/collect_verdicts.py VERDICTS.json

VERDICTS.json is what `lrgd verify --exact --dtype float64,float32 --json VERDICTS.json` wrote; it is kept under the
versions of Python and JAX that this script runs on, so run both in one environment. A run that is not complete, or in
which something fell, is refused.
"""

import json
import platform
import sys
from importlib import metadata
from pathlib import Path

from lrgd_jax.atomic import write_json
from lrgd_jax.claims import load_claims

FELL = ("not certified", None)
RESULTS = Path(__file__).resolve().parent / "results" / "verdicts"


def of_claim(found):
    """The numbers of one verdict; layers that do not apply say nothing."""
    exact, rigorous = found.get("exact"), found.get("rigorous")
    return {
        **{key: found[key] for key in ("slug", "dtype", "holds", "status", "worst_ratio")},
        "mutants": [mutant["rejected"] for mutant in found["mutants"]],
        "false_accept": None if exact is None else exact["false_accept"],
        "radius": None if rigorous is None else rigorous["radius"],
    }


def main():
    """Reads the run, sees that it is whole, and writes what the pages show."""
    run = json.loads(Path(sys.argv[1]).read_text())
    missing = set(load_claims()) - {found["slug"] for found in run["claims"]}
    if not run["complete"] or missing:
        sys.exit(f"{sys.argv[1]} is not complete; {len(missing)} claims are not in it: {', '.join(sorted(missing))}")
    fallen = [found["slug"] for found in run["claims"] if not found["holds"] or found.get("status") in FELL]
    if fallen:
        sys.exit(f"{sys.argv[1]}: these fell or could not be evaluated: {', '.join(fallen)}")
    python, jax = ".".join(platform.python_version_tuple()[:2]), metadata.version("jax")
    RESULTS.mkdir(exist_ok=True)
    content = {
        "stack": f"Python {python}, JAX {jax}",
        "version": run["version"],
        "seed": run["seed"],
        "constants": run["constants"]["text"],
        "claims": [of_claim(found) for found in run["claims"]],
    }
    write_json(RESULTS / f"python-{python}.json", content)


if __name__ == "__main__":
    main()
