"""Folders in which others published data sets: ordered lists, or interactions with the source's own examples."""

from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from lrgd_jax.outside.archives import read_npz
from lrgd_jax.outside.arrays import require_real
from lrgd_jax.recommend.data.csv_files import read_csv
from lrgd_jax.recommend.data.dataset import Catalogue, Queries, Split
from lrgd_jax.recommend.data.formats.ordered_lists import read_moments
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.data.splits import leave_last_out
from lrgd_jax.recommend.data.ties import BASKETS, TieRule

__all__ = ["EXAMPLES", "SEQUENCES", "load_examples", "load_sequences"]

SEQUENCES = "sequences_full.csv.gz"
EXAMPLES = "examples.csv.gz"
VECTORS = "title_minilm_pca64.npz"


def load_sequences(folder: Path, ties: TieRule = BASKETS) -> Split:
    """Ordered lists, one a user, cut by leaving the last two items out.

    Reads `sequences_full.csv.gz` (user, items and, where it is there, gaps_seconds: the time since the item before, 0
    within a basket), `items.csv.gz` (item, and title or text) and, where there are any, the title vectors. Users with
    fewer than three items are not in the split.

    Args:
        folder: where the files are.
        ties: how interactions of one user at one time are read.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: one is damaged, lacks a column, or names an item that the catalogue has not.
    """
    catalogue, numbers = _read_catalogue(folder)
    table = read_csv(folder / SEQUENCES, ["user", "items"], rest=True)
    _require_names(folder / SEQUENCES, table["user"])
    names = table["items"].str.split(" ")
    items = _numbers_of(numbers, names.explode(), folder / SEQUENCES)
    starts = np.concatenate([[0], np.cumsum(names.list.len().to_numpy(), dtype=np.int64)])
    moments = read_moments(table, folder / SEQUENCES)
    try:
        return leave_last_out(catalogue, tuple(table["user"]), Sequences(starts, items, moments=moments), ties)
    except ValueError as error:
        raise ValueError(f"{folder / SEQUENCES}: {error}") from None


def load_examples(folder: Path, ties: TieRule = BASKETS) -> Split:
    """Interactions with times, and the next-item examples that the source itself made of them.

    Reads `interactions.csv.gz` (user, item, timestamp), `examples.csv.gz` (split, user, item, timestamp,
    history_items, history_timestamps), `items.csv.gz` and the title vectors. The training lists are the interactions
    that are no example's target, ordered by user, then by time, ties as in the file. What a source's history holds of
    the target's own time is no history of a basket. The sources' own targets stay, whatever `ties` says.

    Args:
        folder: where the files are.
        ties: how interactions of one user at one time are read.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: one is damaged, lacks a column, or names an item or a user that is not there.
    """
    catalogue, numbers = _read_catalogue(folder)
    past = read_csv(folder / "interactions.csv.gz", ["user", "item", "timestamp"])
    asked = read_csv(folder / EXAMPLES, ["split", "user", "item", "timestamp", "history_items", "history_timestamps"])
    users = past["user"].unique(maintain_order=True)
    _require_names(folder / "interactions.csv.gz", users)
    order = {name: number for number, name in enumerate(users)}
    event = ["user", "item", "timestamp"]
    # the same item twice at one time differs in its rating only
    once = past.unique(event, keep="first", maintain_order=True)
    train = once.join(asked, on=event, how="anti", maintain_order="left")
    owners = _numbers_of(order, train["user"], folder / "interactions.csv.gz")
    items = _numbers_of(numbers, train["item"], folder / "interactions.csv.gz")
    times = _seconds(train["timestamp"], folder / "interactions.csv.gz")
    valid, test = (
        _read_queries(asked.filter(pl.col("split") == part), order, numbers, folder / EXAMPLES, ties)
        for part in ("valid", "test")
    )
    past_lists = ties.of(Sequences.from_entries(owners, items, times, len(users)))
    return Split(catalogue, tuple(users), past_lists, valid, test, ties)


def _read_queries(
    asked: pl.DataFrame, users: dict[str, int], items: dict[str, int], file: Path, ties: TieRule
) -> Queries:
    histories = asked["history_items"].str.split(" ")
    times = asked["history_timestamps"].str.split(" ")
    lengths = histories.list.len().to_numpy()
    if not np.array_equal(lengths, times.list.len().to_numpy()):
        raise ValueError(f"{file}: a history has as many items as timestamps, and one has not")
    starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    before = Sequences(starts, _numbers_of(items, histories.explode(), file), _seconds(times.explode(), file))
    who, targets = (_numbers_of(numbers, asked[name], file) for name, numbers in (("user", users), ("item", items)))
    moments = _seconds(asked["timestamp"], file)
    together = before.seconds == moments[before.owners]
    shared = np.bincount(before.owners[together], minlength=len(before)) > 0
    history, mates = ties.of(before, who), None
    if not history.ordered:
        history, mates = (_keep(history, chosen) for chosen in (~together, together))
    return Queries(who, history, targets, moments, mates, shared)


def _keep(lists: Sequences, chosen: Bool[np.ndarray, " m"]) -> Sequences:
    """The lists without the entries that are not chosen."""
    counts = np.bincount(lists.owners[chosen], minlength=len(lists))
    return lists.pick(np.concatenate([[0], np.cumsum(counts)]), chosen)


def _read_catalogue(folder: Path) -> tuple[Catalogue, dict[str, int]]:
    file = folder / "items.csv.gz"
    table = read_csv(file, ["item"], rest=True)
    _require_names(file, table["item"])
    text = next((name for name in ("title", "text") if name in table.columns), None)
    names = tuple(table["item"])
    if not names:
        raise ValueError(f"{file} has no item; expected one name a row")
    titles = None if text is None else tuple(table[text].fill_null(""))
    numbers = {name: number for number, name in enumerate(names)}
    vectors = _read_vectors(folder / VECTORS, numbers)
    return Catalogue(names, titles, vectors), numbers


def _read_vectors(file: Path, numbers: dict[str, int]) -> Float[np.ndarray, "items d"] | None:
    if not file.is_file():
        return None
    try:
        stored = read_npz(file, what="table of vectors")
        rows = require_real("emb", stored["emb"], (stored["item"].size, None))
        names = stored["item"].reshape(-1).tolist()
        if len({*names}) != len(names):
            raise ValueError("an item is there twice")
    except (KeyError, ValueError) as error:
        raise ValueError(f"{file} is damaged or holds no arrays item and emb ({error})") from None
    where = [numbers.get(str(item)) for item in names]
    vectors = np.zeros((len(numbers), rows.shape[1]), np.float32)
    vectors[[x for x in where if x is not None]] = rows[[x is not None for x in where]]
    return vectors


def _require_names(file: Path, names: pl.Series) -> None:
    """Raises ValueError where a name is missing, as in an empty line, or there twice."""
    if names.null_count():
        row = names.is_null().arg_true()[0] + 1
        raise ValueError(f"{file}: row {row} after the header has no {names.name}; remove it or complete it")
    twice = names.filter(names.is_duplicated())
    if len(twice):
        raise ValueError(f"{file} has {names.name} {twice[0][:60]!r} twice; expected one row for each")


def _numbers_of(numbers: dict[str, int], names: pl.Series, file: Path) -> Int[np.ndarray, " m"]:
    own = names.replace_strict(numbers, default=None, return_dtype=pl.Int64)
    if own.null_count():
        strange = str(names.filter(own.is_null())[0])
        raise ValueError(f"{file} names {strange[:60]!r}, which is in no list of items or users beside it")
    return own.to_numpy()


def _seconds(texts: pl.Series, file: Path) -> Int[np.ndarray, " m"]:
    try:
        return texts.cast(pl.Int64).to_numpy()
    except pl.exceptions.PolarsError:
        raise ValueError(f"{file}: a timestamp is no whole number of seconds since 1970") from None
