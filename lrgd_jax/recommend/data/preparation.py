"""From a table of interactions to a data set that can be measured on: cleaned, numbered, cut, checked, reported."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

import numpy as np
import polars as pl

from lrgd_jax.recommend.data.dataset import Catalogue, Dataset, Split
from lrgd_jax.recommend.data.filters import (
    Duplicates,
    FilteredTable,
    drop_duplicates,
    drop_incomplete,
    drop_low_ratings,
    keep_core,
    sort_by_time,
)
from lrgd_jax.recommend.data.leakage import leakage
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.data.splits import LEAST, leave_last_out, split_by_time, time_quantile
from lrgd_jax.recommend.data.ties import BASKETS, TieRule

__all__ = ["Cut", "PreparedDataset", "Rules", "SplitKind", "prepare_dataset", "prepare_table"]

SplitKind: TypeAlias = Literal["leave-last-out", "time"]


@dataclass(frozen=True)
class Rules:
    """What is kept and how it is cut.

    Attributes:
        core: k of the k-core; 1 keeps all.
        least_rating: interactions with a lower one are dropped; None keeps all.
        duplicates: what happens where a user has an item more than once.
        sort: whether interactions that are out of order are sorted; if not, they are an error.
        ties: whether a user may have several items at one time, which then have no order; if not, an error.
        split: how to cut.
        valid_from: where the validation part of a time split begins: a share of all events such as 0.8, a date such
            as 2018-01-31, or seconds since 1970.
        test_from: where its test part begins.
        titles: whether every item must have a title.
    """

    core: int = 1
    least_rating: float | None = None
    duplicates: Duplicates = "error"
    sort: bool = False
    ties: bool = True
    split: SplitKind = "leave-last-out"
    valid_from: str = "0.8"
    test_from: str = "0.9"
    titles: bool = False


@dataclass(frozen=True)
class Cut:
    """Where a data set is cut; with it the split can be made again.

    Attributes:
        kind: kind of the split.
        valid_from: where the validation part of a time split begins, in seconds since 1970.
        test_from: where its test part begins, likewise.
    """

    kind: SplitKind
    valid_from: int | None = None
    test_from: int | None = None

    def of(self, data: Dataset, ties: TieRule = BASKETS) -> Split:
        """The split.

        Args:
            data: what is cut.
            ties: how interactions of one user at one time are read.

        Raises:
            ValueError: the data cannot be cut so.
        """
        if self.kind == "leave-last-out":
            return leave_last_out(data.catalogue, data.users, data.sequences, ties)
        if self.kind != "time" or self.valid_from is None or self.test_from is None:
            raise ValueError(f"unknown split {self.kind!r}; expected leave-last-out, or time with both its dates")
        bounds = {"valid_from": self.valid_from, "test_from": self.test_from}
        return split_by_time(data.catalogue, data.users, data.sequences, **bounds, ties=ties)


@dataclass(frozen=True)
class PreparedDataset:
    """A cleaned data set, its cut, and the report of what was dropped and why."""

    data: Dataset
    cut: Cut
    report: dict[str, Any]


def prepare_table(table: pl.DataFrame, titles: Mapping[str, str] | None, rules: Rules) -> PreparedDataset:
    """Cleans, numbers, cuts and checks.

    Args:
        table: columns user, item (text), and where they are known time (whole seconds) and rating.
        titles: titles of the items, or None where the data have no titles.
        rules: what is kept and how it is cut.

    Raises:
        ValueError: the table breaks a rule, nothing remains, or the split leaks.
    """
    kept = sort_by_time(
        drop_low_ratings(drop_incomplete(FilteredTable(table)), rules.least_rating), sort=rules.sort, ties=rules.ties
    )
    kept = _drop_short(keep_core(drop_duplicates(kept, rules.duplicates), rules.core), rules.split)
    data = _number(kept.table, titles)
    if rules.titles:
        _require_titles(data.catalogue)
    result = prepare_dataset(data, _choose_cut(data.sequences, rules))
    read = {"interactions": len(table), "users": table["user"].n_unique(), "items": table["item"].n_unique()}
    result.report.update(read=read, dropped=list(kept.dropped), rules=asdict(rules))
    return result


def prepare_dataset(data: Dataset, cut: Cut = Cut("leave-last-out")) -> PreparedDataset:
    """A data set with nothing dropped: its cut, checked, and the report.

    Raises:
        ValueError: it cannot be cut so, or the split leaks.
    """
    split = cut.of(data)
    checked = leakage(split)
    checked.refuse()
    sizes = {"interactions": len(data.sequences.items), "users": len(data.users), "items": len(data.catalogue)}
    titles = data.catalogue.titles or ("",) * len(data.catalogue)
    asked = len(split.valid) + len(split.test)
    report = {
        "read": sizes,
        "dropped": [],
        "kept": sizes,
        "items_without_title": titles.count(""),
        "split": {
            **asdict(cut),
            "train": len(split.train.items),
            "valid": len(split.valid),
            "test": len(split.test),
            # later events of users with no past, in a time split
            "not_asked": len(data.sequences.items) - len(split.train.items) - asked,
        },
        "leakage": asdict(checked),
        "ties": _count_ties(data.sequences),
    }
    return PreparedDataset(data, cut, report)


def _count_ties(sequences: Sequences) -> int | None:
    """Interactions that share their time with the one before of the same user; None where only the order is known."""
    return int(sequences.tied.sum()) if sequences.knows_ties else None


def _require_titles(catalogue: Catalogue) -> None:
    titles = catalogue.titles or ("",) * len(catalogue)
    nameless = [name for name, title in zip(catalogue.names, titles, strict=True) if not title]
    if nameless:
        raise ValueError(
            f"{len(nameless)} of {len(catalogue)} items have no title, such as {nameless[0]!r}: bring titles for them, "
            "or do not require them"
        )


def _drop_short(kept: FilteredTable, split: SplitKind) -> FilteredTable:
    least = LEAST if split == "leave-last-out" else 2
    longer = kept.table.filter(pl.len().over("user") >= least)
    if not len(longer):
        raise ValueError(
            f"nothing remains: a {split} split needs users with {least} interactions or more, and no user has so many"
        )
    return kept.then("short", f"the user has fewer than {least} interactions, too few to cut", longer)


def _number(table: pl.DataFrame, titles: Mapping[str, str] | None) -> Dataset:
    """Users and items by number, in the order in which they first appear."""
    users, items = (table[name].unique(maintain_order=True) for name in ("user", "item"))
    owners, taken = (
        table[column].replace_strict(names, pl.int_range(len(names), eager=True), return_dtype=pl.Int64).to_numpy()
        for column, names in (("user", users), ("item", items))
    )
    times, moments = (
        table[name].cast(pl.Int64).to_numpy() if name in table.columns else None for name in ("time", "moment")
    )
    texts = None if titles is None else tuple(titles.get(name, "") for name in items)
    return Dataset(
        Catalogue(tuple(items), texts), tuple(users), Sequences.from_entries(owners, taken, times, len(users), moments)
    )


def _choose_cut(sequences: Sequences, rules: Rules) -> Cut:
    if rules.split == "leave-last-out":
        return Cut("leave-last-out")
    if rules.split != "time":
        raise ValueError(f"unknown split {rules.split!r}; expected leave-last-out or time")
    return Cut("time", *(_parse_moment(text, sequences) for text in (rules.valid_from, rules.test_from)))


def _parse_moment(text: str, sequences: Sequences) -> int:
    """A share of the events, a date in UTC, or seconds."""
    try:
        if "-" in text:
            return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
        number = float(text)
        if not np.isfinite(number):
            raise ValueError
    except ValueError:
        raise ValueError(
            f"{text!r} is no time to cut at; expected a share such as 0.9, a date such as 2018-01-31, "
            "or seconds since 1970"
        ) from None
    return time_quantile(sequences, number) if 0 < number < 1 else int(number)
