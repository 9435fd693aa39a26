"""The experiment on stage two in a prompt: both paths begin at rates 1, and every perturbation is compared."""

import json
from dataclasses import replace

import numpy as np
import pytest

from lrgd_jax.experiments import llm_two_stage
from lrgd_jax.experiments.llm_two_stage.config import PATHS, RATES, Config
from lrgd_jax.language_recommender.demonstration_perturbations import PERTURBATIONS

QUICK = replace(llm_two_stage.QUICK, users=1, unit=1, updates=1)


@pytest.fixture(scope="module")
def rows():
    return [row for unit in llm_two_stage.units(QUICK) for row in llm_two_stage.run_unit(QUICK, unit)]


def test_both_paths_begin_at_rates_one_and_every_perturbation_is_there(rows, tmp_path):
    json.dumps(rows)
    found = llm_two_stage.summary(QUICK, rows)["generated-small"]
    for path in PATHS:
        assert [x["update"] for x in found[path]] == list(range(QUICK.updates + 1))
        first = found[path][0]
        assert (first["difference"], first["effective rank"]) == (0, 1)
        # the exponential of a logarithm
        assert np.float32(first["voices"]) == 1
    kinds = {(x["kind"], x["rates"]) for x in found["perturbed"]}
    assert kinds == {(kind, rate) for kind in ("as they are", *PERTURBATIONS) for rate in RATES}
    assert all(np.float32(row["voices"]) >= np.float32(QUICK.voices) for row in rows if row["part"] == "guarded")
    path = tmp_path / "figure.png"
    llm_two_stage.figure(QUICK, rows).savefig(path)
    assert path.stat().st_size > 0


def test_a_wrong_setting_is_refused():
    with pytest.raises(ValueError, match="must be at least 1"):
        Config(window=0)
    with pytest.raises(ValueError, match="a guard lets rates differ"):
        Config(voices=1.5)
