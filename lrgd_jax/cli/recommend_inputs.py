"""Where `lrgd recommend` takes its data and its recommender from."""

from __future__ import annotations

import csv
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lrgd_jax.recommend.data.dataset import Part, Split
    from lrgd_jax.recommend.data.ties import TieRule
    from lrgd_jax.recommend.forms.meta_parameters import Meta
    from lrgd_jax.recommend.serving.recommender import Recommender

__all__ = [
    "fit_recommender",
    "load_for_split",
    "load_or_fit_recommender",
    "read_meta",
    "read_names",
    "read_split",
    "read_ties",
    "require_one_of_model_and_meta",
    "split_names",
]


def read_ties(kind: str, seed: int | None) -> TieRule:
    """The rule of --ties, with the seed of --ties-seed.

    Raises:
        ValueError: there is no such rule, or a seed is missing or not wanted.
    """
    from lrgd_jax.recommend.data.ties import TieRule

    if kind not in ("basket", "shuffle", "as-stored"):
        raise ValueError(f"--ties {kind}: expected basket, shuffle or as-stored")
    if (seed is not None) != (kind == "shuffle"):
        raise ValueError("--ties shuffle needs --ties-seed, the seed of the random order, and no other rule takes one")
    return TieRule(kind, seed)


def read_split(folder: Path | None, seed: int, ties: TieRule | None = None) -> Split:
    """The data of a folder, or the generated catalogue where none is given.

    Args:
        folder: of the data.
        seed: of the generated catalogue.
        ties: how interactions of one user at one time are read; as baskets unless given.

    Raises:
        FileNotFoundError: there is no such folder, or no data in it.
        ValueError: the data are damaged.
    """
    from lrgd_jax.recommend.data.folder_layouts import load_split
    from lrgd_jax.recommend.data.generator import generate_split
    from lrgd_jax.recommend.data.ties import BASKETS

    ties = ties or BASKETS
    return generate_split(seed, ties=ties) if folder is None else load_split(folder, ties)


def fit_recommender(split: Split, part: Part, form: str, meta: Meta | None = None) -> Recommender:
    """A recommender on everything that may be demonstrated to the queries of a part.

    Raises:
        ValueError: there is no such form.
    """
    from lrgd_jax.recommend.serving.recommender import Recommender

    return Recommender(split.catalogue, meta, form).fit(split.context(part), split.users)


def load_for_split(file: Path, split: Split) -> Recommender:
    """The recommender of a file, to be asked the queries of a split.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, or of another catalogue, or reads ties otherwise than the split.
    """
    from lrgd_jax.recommend.serving.storage import load_recommender

    recommender = load_recommender(file, split.catalogue)
    if len(recommender.catalogue) != len(split.catalogue):
        raise ValueError(
            f"{file} has {len(recommender.catalogue)} items with those that came after its fit, the data have "
            f"{len(split.catalogue)}; fit anew on data that have them"
        )
    ordered, known = recommender.memory.ordered, (recommender.memory.sequences(), split.train)
    if ordered != split.train.ordered and any(lists.tied.any() for lists in known):
        own = "in an order: give --ties as-stored, or shuffle" if ordered else "as a basket: give --ties basket"
        raise ValueError(f"{file} reads interactions of one time {own}, or fit anew with --ties {split.ties.kind}")
    return recommender


def split_names(text: str, known: Collection[str]) -> list[str]:
    """The names in a text with commas between; a text that is a name is one, and quotes hold a name together.

    Args:
        text: such as `atlas, "lamp, small"`.
        known: the names that there are.
    """
    if text in known:
        return [text]
    return [name.strip() for name in next(csv.reader([text], skipinitialspace=True), []) if name.strip()]


def read_names(option: str, texts: list[str] | None, known: Collection[str]) -> list[str] | None:
    """The names that an option lists, one after the other; None where it was not given.

    Args:
        option: for the error, such as "--allow".
        texts: names with commas between, or @FILE, a file of UTF-8 with one name a line.
        known: the names that there are; a text that is one of them is that name.

    Raises:
        FileNotFoundError: a file is not there.
        ValueError: a file is not UTF-8.
    """
    from lrgd_jax.outside.json_files import read_text

    if texts is None:
        return None
    names: list[str] = []
    for text in texts:
        if text.startswith("@") and text not in known:
            names += [line for line in read_text(Path(text[1:]), what=f"list for {option}").splitlines() if line]
        else:
            names += split_names(text, known)
    return names


def require_one_of_model_and_meta(model: Path | None, meta: Path | None) -> None:
    """Raises an error where both options are given.

    Raises:
        ValueError: they are.
    """
    if model is not None and meta is not None:
        raise ValueError("a recommender of a file has its own meta-parameters; give --model or --meta, not both")


def read_meta(file: Path | None) -> Meta | None:
    """The meta-parameters that `lrgd recommend learn` wrote.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it holds no meta-parameters.
    """
    from lrgd_jax.outside.convert import convert_record
    from lrgd_jax.outside.json_files import read_json
    from lrgd_jax.recommend.forms.meta_parameters import Meta

    if file is None:
        return None
    if not file.is_file():
        raise FileNotFoundError(f"there is no file {file}; write one by `lrgd recommend learn --json {file}`")
    try:
        result = read_json(file, dict[str, object], what="result")
        if "meta" not in result:
            raise ValueError("it has no field meta")
        return convert_record(result["meta"], Meta, where=f"{file}: meta")
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{file} holds no meta-parameters ({error}); write it by `lrgd recommend learn --json {file}`"
        ) from None


def load_or_fit_recommender(
    model: Path | None, folder: Path | None, seed: int, form: str, meta: Path | None = None
) -> Recommender:
    """The recommender of a file, checked against the data where both are given; else one fitted on the data.

    Raises:
        FileNotFoundError: a file or a folder is not there.
        ValueError: a file is damaged, the recommender is of another catalogue, or both --model and --meta are given.
    """
    from lrgd_jax.recommend.serving.storage import load_recommender

    if model is None:
        return fit_recommender(read_split(folder, seed), "test", form, read_meta(meta))
    require_one_of_model_and_meta(model, meta)
    return load_recommender(model, None if folder is None else read_split(folder, seed).catalogue)
