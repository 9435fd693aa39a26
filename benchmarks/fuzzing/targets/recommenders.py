"""The recommender's own files: an imported folder, a saved recommender, learned meta-parameters."""

import io
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import polars as pl

from benchmarks.fuzzing.json_mutations import mutate_json
from benchmarks.fuzzing.plain_readers import agrees
from benchmarks.fuzzing.target import Target
from benchmarks.fuzzing.targets.archives import mutate_npy, mutate_npz
from benchmarks.fuzzing.targets.parquet import mutate_parquet
from benchmarks.fuzzing.targets.seals import seal_anew
from lrgd_jax.cli.recommend_inputs import read_meta
from lrgd_jax.recommend.data.dataset import Catalogue, Dataset
from lrgd_jax.recommend.data.imported_folder import DESCRIPTION, load_imported, save_dataset
from lrgd_jax.recommend.data.preparation import prepare_dataset
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.forms.meta_parameters import TIMED
from lrgd_jax.recommend.serving.recommender import Recommender
from lrgd_jax.recommend.serving.storage import load_recommender, save_recommender

NAMES, USERS = ("atlas", "lamp", "tent", "globe, small"), ("Ada", "Bo")
LISTS = [[0, 1, 2, 3], [1, 3, 0]]
VECTORS = np.arange(8, dtype=np.float32).reshape(4, 2) / 8
TIMES = np.array([5, 6, 7, 8, 1, 2, 9])


def _sequences(timed: bool) -> Sequences:
    plain = Sequences.from_lists(LISTS)
    return Sequences(plain.starts, plain.items, TIMES) if timed else plain


def _catalogue(rich: bool) -> Catalogue:
    return Catalogue(NAMES, ("An atlas", "", "Tent", "Globe") if rich else None, VECTORS if rich else None)


def _folder_seeds() -> list[dict[str, bytes]]:
    seeds = []
    for rich in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder) / "data"
            save_dataset(prepare_dataset(Dataset(_catalogue(rich), USERS, _sequences(rich))), made)
            seeds.append({file.name: file.read_bytes() for file in made.iterdir()})
    return seeds


def _folder_fault(folder: Path, split: Any) -> str | None:
    tables = {name: pl.read_parquet(folder / f"{name}.parquet") for name in ("catalogue", "users", "interactions")}
    if split.catalogue.names != tuple(tables["catalogue"]["name"]):
        return "the items are not the file's"
    if "title" in tables["catalogue"].columns and split.catalogue.titles != tuple(tables["catalogue"]["title"]):
        return "the titles are not the file's"
    # a user of fewer than three interactions is asked nothing
    if not set(split.users) <= set(tables["users"]["name"]):
        return "the users are not the file's"
    past = sorted(zip(tables["interactions"]["user"], tables["interactions"]["item"], strict=True))
    ours = [*zip(split.train.owners.tolist(), split.train.items.tolist(), strict=True)]
    for asked in (split.valid, split.test):
        ours += [*zip(asked.users.tolist(), asked.targets.tolist(), strict=True)]
    short = {user for user, _ in past if sum(owner == user for owner, _ in past) < 3}
    if sorted(pair for pair in ours if pair[0] not in short) != [pair for pair in past if pair[0] not in short]:
        return "the interactions are not the file's"
    vectors = folder / "vectors.npy"
    if split.catalogue.vectors is not None and not np.array_equal(split.catalogue.vectors, np.load(vectors)):
        return "the vectors are not the file's"
    return None


def _saved_seeds() -> list[dict[str, bytes]]:
    seeds = []
    for rich in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "shop.npz"
            save_recommender(Recommender(_catalogue(rich), TIMED if rich else None).fit(_sequences(rich), USERS), file)
            seeds.append({file.name: file.read_bytes()})
    return seeds


def _saved_fault(folder: Path, recommender: Any) -> str | None:
    content = (folder / "shop.npz").read_bytes()
    # NumPy alone asks an archive to begin where the file does
    with np.load(io.BytesIO(content[content.index(b"PK") :]), allow_pickle=False) as stored:
        described = json.loads(stored["described"].tobytes())
        sequences = recommender.memory.sequences()
        for name in ("starts", "items"):
            if not np.array_equal(getattr(sequences, name), stored[name]):
                return f"{name} are not the file's"
        if "times" in stored and not np.array_equal(sequences.times, stored["times"]):
            return "the times are not the file's"
        if not np.array_equal(recommender.memory.rates(), stored["rates"]):
            return "the rates are not the file's"
        if "vectors" in stored and not np.array_equal(recommender.catalogue.vectors, stored["vectors"]):
            return "the vectors are not the file's"
    if [*recommender.catalogue.names] != described["names"] or [*recommender.memory.histories] != described["users"]:
        return "the names are not the file's"
    own = asdict(recommender.meta)
    wrong = [name for name, value in described["meta"].items() if not agrees(own[name], value)]
    return f"{wrong} are not the file's" if wrong or recommender.form != described["form"] else None


def _mutate_saved(random: Random, content: bytes, others: Any) -> bytes:
    """A change of the file, of one of its arrays, or of what it says in words."""
    if random.random() < 0.7:
        return mutate_npz(random, content, others)
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        arrays = dict(stored)
    text = mutate_json(random, arrays["described"].tobytes(), [])
    packed = io.BytesIO()
    np.savez_compressed(packed, **{**arrays, "described": np.frombuffer(text, np.uint8)})
    return packed.getvalue()


def _meta_fault(folder: Path, meta: Any) -> str | None:
    written = json.loads((folder / "learned.json").read_bytes())["meta"]
    wrong = [name for name, value in written.items() if not agrees(getattr(meta, name), value)]
    return f"{wrong} are not the file's" if wrong else None


TARGETS = (
    Target(
        "imported data set",
        _folder_seeds,
        {
            "dataset.json": mutate_json,
            "catalogue.parquet": mutate_parquet,
            "users.parquet": mutate_parquet,
            "interactions.parquet": mutate_parquet,
            "vectors.npy": mutate_npy,
        },
        lambda folder: load_imported(seal_anew(folder, DESCRIPTION)),
        _folder_fault,
    ),
    Target("saved recommender", _saved_seeds, {"shop.npz": _mutate_saved},
           lambda folder: load_recommender(folder / "shop.npz"), _saved_fault),
    Target(
        "learned meta-parameters",
        lambda: [{"learned.json": json.dumps({"meta": asdict(TIMED), "ndcg": 0.5, "history": [0.25]}).encode()}],
        {"learned.json": mutate_json},
        lambda folder: read_meta(folder / "learned.json"),
        _meta_fault,
    ),
)  # fmt: skip
