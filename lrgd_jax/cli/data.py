"""`lrgd data`: bring data in, make some up, look at what is there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, cast

import typer

from lrgd_jax.cli.errors import CODES
from lrgd_jax.cli.files import claim_folder, require_writable, write_json_result
from lrgd_jax.cli.options import LARGEST_SEED, JsonFile, require_at_least_one

if TYPE_CHECKING:
    import polars as pl

    from lrgd_jax.recommend.data.preparation import Duplicates, Rules, SplitKind
    from lrgd_jax.report.import_report import ImportReport

__all__ = ["data"]

data = typer.Typer(help="Data sets for the recommender: import, generate, show.", no_args_is_help=True)
import_ = typer.Typer(help="Clean, cut and check a data set, and keep it as Parquet.", no_args_is_help=True)
data.add_typer(import_, name="import")

Source = Annotated[Path, typer.Argument(help="The file to read; .gz is decompressed.")]
Destination = Annotated[Path, typer.Argument(help="The folder to make; there as a whole or not at all.")]
Core = Annotated[int, typer.Option(help="The k of the k-core filter; 1 keeps all.")]
LeastRating = Annotated[float | None, typer.Option("--min-rating", help="Drop interactions rated lower.")]
OnDuplicates = Annotated[
    str, typer.Option("--duplicates", help="What to do where a user has an item twice: error, first, last or keep.")
]
Sort = Annotated[bool, typer.Option("--sort", help="Sort by time; without it, times that go back are an error.")]
Ties = Annotated[
    str, typer.Option(help="What to do where a user has several items at one time: keep (without an order), or error.")
]
Split = Annotated[str, typer.Option(help="How to split: leave-last-out, or time.")]
ValidFrom = Annotated[str, typer.Option(help="Time split: a share such as 0.8, a date, or seconds since 1970.")]
TestFrom = Annotated[str, typer.Option(help="Time split: where the test part begins, likewise.")]
Titled = Annotated[bool, typer.Option("--titles-required", help="Refuse items without a title.")]


@import_.command("amazon-reviews", epilog=CODES)
def amazon_reviews(
    source: Source,
    destination: Destination,
    metadata: Annotated[Path | None, typer.Option(help="The metadata file that goes with it, for titles.")] = None,
    core: Core = 5,
    min_rating: LeastRating = None,
    duplicates: OnDuplicates = "first",
    split: Split = "leave-last-out",
    valid_from: ValidFrom = "0.8",
    test_from: TestFrom = "0.9",
    titles_required: Titled = False,
    json: JsonFile = None,
) -> None:
    """Amazon reviews of 2014, 2018 or 2023, as JSON lines.

    The files are in no order, so they are sorted by time; a user's reviews at one time are counted, and have no order.
    """
    from lrgd_jax.recommend.data.formats.amazon_reviews import read_reviews, read_titles

    require_writable({"--json": json})
    claim_folder(destination)
    rules = _rules(core, min_rating, duplicates, True, "keep", split, valid_from, test_from, titles_required)
    titles = None if metadata is None else read_titles(metadata)
    _import_table(
        read_reviews(source), titles, rules, {"kind": "amazon-reviews", "file": source.name}, destination, json=json
    )


@import_.command("csv", epilog=CODES)
def comma_separated(
    source: Source,
    destination: Destination,
    user: Annotated[str, typer.Option(help="Column of the users.")] = "user",
    item: Annotated[str, typer.Option(help="Column of the items.")] = "item",
    time: Annotated[str | None, typer.Option(help="Column of the times: seconds since 1970, or ISO 8601.")] = None,
    time_format: Annotated[str | None, typer.Option(help="How other dates are written, such as %d/%m/%Y.")] = None,
    ordered: Annotated[
        bool, typer.Option("--ordered", help="The rows of each user are in the order of time, and it counts.")
    ] = False,
    rating: Annotated[str | None, typer.Option(help="Column of the ratings.")] = None,
    separator: Annotated[
        str, typer.Option(help="Separator between columns: one character, \\t for a tab, or :: as in MovieLens.")
    ] = ",",
    columns: Annotated[
        str | None,
        typer.Option(help="Names of all columns of a file without a header, such as user,item,rating,time."),
    ] = None,
    titles: Annotated[Path | None, typer.Option(help="A CSV file with the items' titles.")] = None,
    title: Annotated[
        str, typer.Option(help="Column of the titles in --titles; its column of the items is that of --item.")
    ] = "title",
    core: Core = 1,
    min_rating: LeastRating = None,
    duplicates: OnDuplicates = "error",
    sort: Sort = False,
    ties: Ties = "keep",
    split: Split = "leave-last-out",
    valid_from: ValidFrom = "0.8",
    test_from: TestFrom = "0.9",
    titles_required: Titled = False,
    json: JsonFile = None,
) -> None:
    """A CSV file, one interaction a row; with a header, or its columns named by --columns.

    Without --time the rows' order counts only if --ordered says so, or if no column looks like times and the rows do
    not go by item.
    """
    from lrgd_jax.recommend.data.formats.csv_interactions import Columns, read_interactions, read_title_table

    require_writable({"--json": json})
    claim_folder(destination)
    rules = _rules(core, min_rating, duplicates, sort, ties, split, valid_from, test_from, titles_required)
    if time is not None and ordered:
        raise ValueError("--ordered says that the order of the rows is that of time; give it or --time, not both")
    if time is None and time_format is not None:
        raise ValueError("--time-format says how the column of --time is written; give --time too")
    header = None if columns is None else tuple(name.strip() for name in columns.split(","))
    which = Columns(user, item, time, rating, time_format, ordered, header)
    table, unread = read_interactions(source, which, separator=separator)
    named = None if titles is None else read_title_table(titles, item=item, title=title)
    _import_table(table, named, rules, {"kind": "csv", "file": source.name}, destination, unread, json=json)


@import_.command("sequences", epilog=CODES)
def sequences(
    source: Source,
    destination: Destination,
    titles: Annotated[Path | None, typer.Option(help="A CSV file with columns item and title.")] = None,
    core: Core = 1,
    duplicates: OnDuplicates = "error",
    titles_required: Titled = False,
    json: JsonFile = None,
) -> None:
    """Ordered lists: a CSV file with columns user and items, or lines of a user and the items, parted by spaces."""
    from lrgd_jax.recommend.data.formats.csv_interactions import read_title_table
    from lrgd_jax.recommend.data.formats.ordered_lists import read_sequences

    require_writable({"--json": json})
    claim_folder(destination)
    rules = _rules(core, None, duplicates, False, "keep", "leave-last-out", "0.8", "0.9", titles_required)
    named = None if titles is None else read_title_table(titles, item="item", title="title")
    _import_table(
        read_sequences(source), named, rules, {"kind": "sequences", "file": source.name}, destination, json=json
    )


@data.command(epilog=CODES)
def generate(
    destination: Destination,
    seed: Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="Seed of every random draw.")] = 0,
    users: Annotated[int, typer.Option(help="Number of users.")] = 600,
    items: Annotated[int, typer.Option(help="Number of items in the catalogue.")] = 300,
    length: Annotated[int, typer.Option(help="Mean number of items that a user takes.")] = 12,
    json: JsonFile = None,
) -> None:
    """Make a catalogue and its users up: tastes, drift, fashions and a long tail."""
    from lrgd_jax.recommend.data.generator import generate_dataset
    from lrgd_jax.recommend.data.imported_folder import save_dataset
    from lrgd_jax.recommend.data.preparation import prepare_dataset

    require_at_least_one({"--users": users, "--items": items, "--length": length})
    require_writable({"--json": json})
    claim_folder(destination)
    result = prepare_dataset(generate_dataset(seed, users, items, length=length))
    result.report["source"] = {"kind": "generated", "seed": seed}
    save_dataset(result, destination)
    _show(result.report, destination, json)


@data.command(epilog=CODES)
def show(folder: Annotated[Path, typer.Argument(help="A folder that an import wrote.")], json: JsonFile = None) -> None:
    """Show what was read, dropped, kept and noticed."""
    from lrgd_jax.recommend.data.imported_folder import read_report

    require_writable({"--json": json})
    _show(read_report(folder), folder, json)


def _rules(
    core: int,
    least_rating: float | None,
    duplicates: str,
    sort: bool,
    ties: str,
    split: str,
    valid_from: str,
    test_from: str,
    titles: bool,
) -> Rules:
    from lrgd_jax.recommend.data.preparation import Rules

    if ties not in ("error", "keep"):
        raise ValueError(f"unknown policy {ties!r} for ties; expected error or keep")
    return Rules(
        core,
        least_rating,
        # words that mean nothing are refused where they are used
        duplicates=cast("Duplicates", duplicates),
        split=cast("SplitKind", split),
        sort=sort,
        ties=ties == "keep",
        valid_from=valid_from,
        test_from=test_from,
        titles=titles,
    )


def _import_table(
    table: pl.DataFrame,
    titles: Mapping[str, str] | None,
    rules: Rules,
    source: Mapping[str, str],
    destination: Path,
    unread: Mapping[str, str] = MappingProxyType({}),
    *,
    json: Path | None,
) -> None:
    from lrgd_jax.recommend.data.imported_folder import save_dataset
    from lrgd_jax.recommend.data.preparation import prepare_table

    result = prepare_table(table, titles, rules)
    result.report.update(source=dict(source), unread=dict(unread))
    save_dataset(result, destination)
    _show(result.report, destination, json)


def _show(report: ImportReport, folder: Path, json: Path | None) -> None:
    from lrgd_jax.cli.terminal import results_console
    from lrgd_jax.report.import_report import import_lines, import_table

    console = results_console()
    console.print(import_table(report, str(folder)))
    console.print("\n".join(import_lines(report)), markup=False, highlight=False, soft_wrap=True)
    write_json_result(json, {"folder": str(folder)} | dict(report))
