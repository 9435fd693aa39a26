"""What `test_contributing` adds to a copy of the project: a claim, a form, an experiment, a decoder family."""

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

__all__ = ["CLAIM", "EXPERIMENT", "FAMILY", "FORM", "Files", "Insertion"]


class Insertion(NamedTuple):
    """Text for a file that is there already.

    Attributes:
        before: what stands once in the file.
        text: what is put before it.
    """

    before: str
    text: str


Files: TypeAlias = Mapping[str, str | Insertion]
"""Path -> the new file, or what is inserted; in the order of CONTRIBUTING."""

CLAIM: Files = {
    "proofs_checks/weighted_hebb.py": r'''"""Hebb's rule with write strengths is one step on a weighted alignment."""

import jax.numpy as jnp

from lrgd_jax.claims import Claim, Mutant, alter
from lrgd_jax.dual import DualModel


def written(query, keys, values, strengths):
    return sum(strengths[i] * values[i] * jnp.vdot(keys[i], query) for i in range(keys.shape[0]))


def after_one_step(query, keys, values, strengths):
    model = DualModel.untrained(keys, values, sample_weights=strengths)
    return model.predict(model.train(), query[None])[0]


claim = Claim(
    slug="weighted-hebb",
    title="Hebb's rule with write strengths is one step on a weighted alignment",
    group="A",
    statement=r"""$\sum_i b_i v_i k_i^\top q = f_{W_1}(q)$ with $W_1 = -\nabla L(0)$ and
$L(W) = -\sum_i b_i v_i^\top W k_i$.""",
    assumptions=("any strengths",),
    proof=r"$\nabla L(0) = -\sum_i b_i v_i k_i^\top$.",
    source="Hebb 1949; Irie et al. 2022, arXiv 2202.05798, section 3",
    arguments={"query": "d", "keys": "n d", "values": "n v", "strengths": "n"},
    dimensions={"n": (1, 6), "d": (1, 4), "v": (1, 3)},
    shapes=({"n": 1, "d": 1, "v": 1}, {"n": 5, "d": 3, "v": 2}),
    left=written,
    right=after_one_step,
    mutants=(
        Mutant("strengths squared", alter(after_one_step, strengths=lambda strengths: strengths**2)),
        Mutant("uphill", alter(after_one_step, values=lambda values: -values)),
    ),
)
'''
}

FORM: Files = {
    "lrgd_jax/attention/hebb.py": r'''"""Hebb's rule with write strengths."""

from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lrgd_jax.attention.fast_weights import FastWeightForm
from lrgd_jax.attention.per_token import PerToken, every_token
from lrgd_jax.features import identity
from lrgd_jax.types import FeatureMap

__all__ = ["Hebb"]


@dataclass(frozen=True, eq=False)
class Hebb(FastWeightForm):
    r"""$S_t = S_{t-1} + b_t v_t\phi(k_t)^\top$.

    Attributes:
        strength: b, the write strength of every token, or one for all.
        feature_map: phi.
    """

    strength: PerToken = 1.0
    feature_map: FeatureMap = field(default=identity)

    def outputs(
        self, queries: Float[Array, "n d"], keys: Float[Array, "n d"], values: Float[Array, "n dv"]
    ) -> Float[Array, "n dv"]:
        """The outputs, one query a token."""
        features = jax.vmap(self.feature_map)
        scores = jnp.where(self.mask(queries.shape[0], keys.shape[0]), features(queries) @ features(keys).T, 0)
        return scores @ (every_token(self.strength, values)[:, None] * values)
''',
    "lrgd_jax/attention/__init__.py": Insertion(
        "from lrgd_jax.attention.least_squares import", "from lrgd_jax.attention.hebb import Hebb as Hebb\n"
    ),
    "lrgd_jax/dual/fast_weights.py": Insertion(
        "@online_descent.register\ndef _(form: TTTLinear",
        """from lrgd_jax.attention.hebb import Hebb


@online_descent.register
def _(form: Hebb, inputs: Float[Array, "n d"], values: Float[Array, "n dv"]) -> OnlineDescent:
    strengths = every_token(form.strength, values)
    return OnlineDescent(DualModel.untrained(inputs, values, feature_map=form.feature_map, sample_weights=strengths))


""",
    ),
    "tests/support/forms.py": Insertion(
        '        "delta": DeltaRule(strength=0.25),\n',
        '        "hebb": __import__("lrgd_jax.attention", fromlist=["Hebb"]).Hebb(strength=0.25),\n',
    ),
}

EXPERIMENT: Files = {
    "lrgd_jax/experiments/averages/__init__.py": r'''"""How fast averages of coin flips settle."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lrgd_jax.experiments.running.interface import Rows, Summary, Value, seed_and_rest
from lrgd_jax.experiments.shared.markdown import table

__all__ = ["DESCRIPTION", "QUICK", "SOURCES", "TITLE", "Config", "figure", "run_unit", "summary", "tables", "units"]

TITLE = "Averages: their error against the number of flips"
DESCRIPTION = "The squared error of an average of n fair flips, beside 1/(4 n)."
SOURCES = ("the variance of a mean",)


@dataclass(frozen=True)
class Config:
    """The setting.

    Attributes:
        seeds: how many repetitions.
        flips: how many flips each average is of.
        averages: how many averages a unit takes.
    """

    seeds: int = 5
    flips: tuple[int, ...] = (4, 16, 64)
    averages: int = 1000


QUICK = Config(seeds=2, averages=100)


def units(config: Config) -> list[str]:
    """One a seed and number of flips."""
    return [f"seed={seed}/flips={n}" for seed in range(config.seeds) for n in config.flips]


def run_unit(config: Config, unit: str) -> list[dict[str, Value]]:
    """The mean squared error of one unit."""
    seed, rest = seed_and_rest(unit, units(config))
    n = int(rest.removeprefix("flips="))
    flips = np.random.default_rng([seed, n]).integers(2, size=(config.averages, n))
    return [{"seed": seed, "flips": n, "error": float(np.mean((flips.mean(axis=1) - 0.5) ** 2))}]


def summary(config: Config, rows: Rows) -> Summary:
    """Measured and expected error for each number of flips."""
    errors = {n: [row["error"] for row in rows if row["flips"] == n] for n in config.flips}
    return {"errors": [{"flips": n, "measured": float(np.mean(e)), "expected": 1 / (4 * n)} for n, e in errors.items()]}


def tables(summary: Summary, results: Path) -> list[str]:
    """The errors as lines of a page."""
    return table(["flips", "measured", "expected"], [list(entry.values()) for entry in summary["errors"]])


def figure(config: Config, rows: Rows):
    """Errors over the number of flips."""
    from matplotlib.figure import Figure

    drawn = Figure()
    axes = drawn.subplots()
    axes.loglog([row["flips"] for row in rows], [row["error"] for row in rows], "o")
    axes.loglog(config.flips, [1 / (4 * n) for n in config.flips])
    return drawn
''',
    "lrgd_jax/experiments/running/registry.py": Insertion('    "icl-against-fine-tuning",\n', '    "averages",\n'),
    "tests/experiments/test_averages.py": r'''"""The expected error is the measured one, within five standard errors."""

from lrgd_jax.experiments import averages


def test_the_error_falls_with_the_number_of_flips():
    config = averages.Config(seeds=1, averages=2000)
    rows = [row for unit in averages.units(config) for row in averages.run_unit(config, unit)]
    measured = {entry["flips"]: entry["measured"] for entry in averages.summary(config, rows)["errors"]}
    assert measured[4] > measured[16] > measured[64]
''',
    "docs/experiments.md": Insertion(
        "## Does a trained layer become gradient descent?",
        "## How fast do averages settle?\n\nAs 1/(4 n): `lrgd experiment averages --out runs/averages`.\n\n",
    ),
}

FAMILY: Files = {
    "lrgd_jax/decoder/families/starling.py": r'''"""A neighbour of Llama whose queries and keys are normed."""

from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.families.llama import llama_like
from lrgd_jax.decoder.family import Family
from lrgd_jax.decoder.hugging_face_config import Config

__all__ = ["FAMILY"]


def _config(config: Config) -> DecoderConfig:
    return llama_like(config, query_key_norm=True)


FAMILY = Family(
    name="starling",
    architectures=("StarlingForCausalLM",),
    model_types=("starling",),
    read_config=_config,
)
''',
    "tests/support/tiny_checkpoints.py": Insertion(
        '    "qwen3": LLAMA,', '    "starling": {**LLAMA, "num_key_value_heads": 1},\n'
    ),
    # made up, so `transformers` has nothing to compare it with
    "tests/decoder/test_families_parity.py": Insertion('    "Qwen3": (\n', ""),
}
