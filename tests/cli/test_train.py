"""`lrgd train` on small generated catalogues: what it writes, how it goes on, what it refuses."""

import gzip
import json
import shutil

import numpy as np
import pytest
from refusals import contents, refusal, run

from lrgd_jax.recommend.data.generator import generate_dataset


def write_folder(folder, seed, width=8):
    """A folder in the layout of ordered lists, with title vectors."""
    data = generate_dataset(seed, users=30, items=48, factors=width)
    catalogue, lists = data.catalogue, data.sequences
    folder.mkdir()
    rows = [f"{k},{' '.join(map(str, lists.of(k)))}" for k in range(len(lists))]
    assert catalogue.titles is not None
    assert catalogue.vectors is not None
    titles = [f"{k},{title}" for k, title in enumerate(catalogue.titles)]
    for name, lines in (("sequences_full", ["user,items", *rows]), ("items", ["item,title", *titles])):
        with gzip.open(folder / f"{name}.csv.gz", "wt") as file:
            file.write("\n".join(lines) + "\n")
    np.savez(folder / "title_minilm_pca64.npz", item=np.arange(48, dtype=np.int32), emb=catalogue.vectors)
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A finished quick run and the catalogue it was trained on."""
    top = tmp_path_factory.mktemp("train")
    data = write_folder(top / "data", 0)
    result = run("train", "unseen-catalogue", "--data", data, "--out", top / "run", "--quick", "--json", top / "r.json")
    assert result.exit_code == 0, result.output
    return top, result.stdout


def test_a_run_writes_parameters_and_losses(trained):
    top, shown = trained
    model, summary = (json.loads((top / x).read_text()) for x in ("run/model.json", "r.json"))
    assert model["parameters"] == summary["parameters"]
    assert model["validation_loss"] <= model["validation_loss_before"]
    lines = (top / "run" / "curve.csv").read_text().splitlines()
    assert lines[0] == "step,loss,validation_loss"
    assert len(lines) == summary["steps"] + 2
    assert f"parameters in {top / 'run' / 'model.json'}" in shown


def test_a_run_that_lost_its_last_checkpoint_ends_the_same(trained, tmp_path):
    top, _ = trained
    shutil.copytree(top / "run", tmp_path / "run")
    steps = sorted((tmp_path / "run" / "checkpoints").iterdir(), key=lambda x: int(x.name))
    shutil.rmtree(steps[-1])
    (tmp_path / "run" / "model.json").unlink()
    result = run("train", "unseen-catalogue", "--data", top / "data", "--out", tmp_path / "run", "--quick")
    assert result.exit_code == 0, result.output
    for name in ("model.json", "curve.csv"):
        assert (tmp_path / "run" / name).read_bytes() == (top / "run" / name).read_bytes()


def test_wrong_input_is_refused_in_one_line(trained, tmp_path):
    top, _ = trained
    own = "--data", top / "data", "--quick"
    other = write_folder(tmp_path / "other", 1)
    before = contents(top)
    another = refusal(tmp_path, "train", "unseen-catalogue", "--data", other, "--quick", "--out", top / "run")
    assert "holds a run of another set-up (it differs in catalogues)" in another
    out = "--out", tmp_path / "out"
    assert "did you mean 'unseen-catalogue'?" in refusal(tmp_path, "train", "unseen-catalog", *own, *out)
    assert "unknown kind 'hard' of layers" in refusal(
        tmp_path, "train", "unseen-catalogue", *own, *out, "--kind", "hard"
    )
    assert "--layers must be" in refusal(tmp_path, "train", "unseen-catalogue", *own, *out, "--layers", "0")
    narrow = write_folder(tmp_path / "narrow", 1, width=4)
    both = "--data", narrow, *own
    assert "different widths" in refusal(tmp_path, "train", "unseen-catalogue", *both, *out)
    (other / "title_minilm_pca64.npz").unlink()
    assert "has no vectors of its titles" in refusal(tmp_path, "train", "unseen-catalogue", "--data", other, *out)
    assert contents(top) == before
