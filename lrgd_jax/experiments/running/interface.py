"""What an experiment is: a module with a configuration, resumable units, rows, a summary, a figure and tables."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias, TypeVar, cast

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["ConfigT", "Experiment", "Row", "Rows", "Settings", "Summary", "Value", "check_interface", "seed_and_rest"]

Value: TypeAlias = int | float | str | bool
"""One entry of a row."""

Row: TypeAlias = Mapping[str, Value]
"""A tidy row: one measurement with all that it depends on. A key that does not apply is left out."""

Rows: TypeAlias = Sequence[Mapping[str, Any]]
"""Rows as they are read back: which columns there are, and of which kind, only their experiment knows."""

Summary: TypeAlias = dict[str, Any]
"""What rows say: numbers, strings, and dictionaries and lists of them, whose keys only the experiment knows."""


class Settings(Protocol):
    """What the configuration of every experiment has: it is a dataclass and knows its number of seeds."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

    @property
    def seeds(self) -> int:
        """How many seeds."""
        ...


ConfigT = TypeVar("ConfigT", bound=Settings)
"""The configuration of one experiment."""


class Experiment(Protocol[ConfigT]):
    """The interface of an experiment module.

    Attributes:
        Config: a frozen dataclass of numbers, strings, booleans and tuples of them, all with defaults: the full
            setting. It has `seeds: int`. A field `dtype: str` ("float64" or "float32") sets whether JAX computes in
            64 bits while the units run.
        QUICK: a Config that takes less than a minute on two cores.
        TITLE: a few words.
        DESCRIPTION: what is measured, against which theory.
        SOURCES: papers, with arXiv number and equation.

    Examples:
        >>> from lrgd_jax.experiments import find
        >>> contexts = find("contexts")
        >>> contexts.Config().seeds > contexts.QUICK.seeds
        True
    """

    Config: type[ConfigT]
    QUICK: ConfigT
    TITLE: str
    DESCRIPTION: str
    SOURCES: Sequence[str]

    def units(self, config: ConfigT, /) -> list[str]:
        """Names of the parts that are computed, and resumed, one by one; for example "seed=0/layers=1"."""
        ...

    def run_unit(self, config: ConfigT, unit: str, /) -> list[dict[str, Value]]:
        """The rows of one part: a function of the configuration and the unit's name, and of nothing else."""
        ...

    def summary(self, config: ConfigT, rows: Rows, /) -> Summary:
        """What the rows say: numbers, strings, and dictionaries and lists of them."""
        ...

    def figure(self, config: ConfigT, rows: Rows, /) -> "Figure":
        """The rows drawn; imports matplotlib when called."""
        ...

    def tables(self, summary: Summary, results: Path, /) -> list[str]:
        """The summary as lines of Markdown for the documentation; `results` is the folder where it is kept."""
        ...


PARTS = ("Config", "QUICK", "TITLE", "DESCRIPTION", "SOURCES", "units", "run_unit", "summary", "figure", "tables")


def check_interface(name: str, module: ModuleType) -> Experiment[Settings]:
    """The module, once it is seen to have every part of the interface.

    Raises:
        ValueError: a part is missing, or Config is no dataclass with a field `seeds`.
    """
    missing = [part for part in PARTS if not hasattr(module, part)]
    if missing:
        raise ValueError(f"experiment {name!r}: {module.__name__} lacks {', '.join(missing)}; see Experiment")
    config: object = module.Config
    if not dataclasses.is_dataclass(config) or "seeds" not in {field.name for field in dataclasses.fields(config)}:
        raise ValueError(f"experiment {name!r}: Config must be a dataclass with a field `seeds: int`, got {config!r}")
    # a configuration only ever goes to the experiment that made it
    return cast("Experiment[Settings]", module)


def seed_and_rest(unit: str, known: Sequence[str]) -> tuple[int, str]:
    """The seed of a unit "seed=0/rest", and the rest of its name.

    Args:
        unit: its name.
        known: the units of the configuration.

    Raises:
        ValueError: there is no such unit.
    """
    if unit not in known:
        raise ValueError(f"run_unit: no unit {unit!r} in this configuration; it has {', '.join(known)}")
    first, _, rest = unit.partition("/")
    return int(first.removeprefix("seed=")), rest
