"""The forms by name: which attention reads the demonstrations. A new form is a file here and a line of the table."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lrgd_jax.recommend.data.sequences import Sequences
    from lrgd_jax.recommend.forms.initial_weights import InitialWeights
    from lrgd_jax.recommend.forms.item_vectors import ItemVectors
    from lrgd_jax.recommend.forms.meta_parameters import Meta
    from lrgd_jax.recommend.forms.one_step import OneStep
    from lrgd_jax.recommend.forms.transitions import Transitions

__all__ = ["FORMS", "FormEntry", "FormTable", "build", "build_from_histories", "check_form"]


@dataclass(frozen=True)
class FormEntry:
    """A line of the table.

    Attributes:
        place: file in this folder and class, as in "one_step:OneStep"; imported when it is asked for.
        description: one sentence, for help texts.
    """

    place: str
    description: str

    def load(self) -> type[OneStep]:
        """The class."""
        module, _, name = self.place.partition(":")
        return getattr(importlib.import_module(f"lrgd_jax.recommend.forms.{module}"), name)


class FormTable(Mapping[str, "type[OneStep]"]):
    """From names to classes, none of which is imported before it is looked up."""

    def __init__(self, entries: Mapping[str, FormEntry]) -> None:
        self._entries = dict(entries)

    def __getitem__(self, name: str) -> type[OneStep]:
        return self._entries[name].load()

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def descriptions(self) -> dict[str, str]:
        """One sentence a form."""
        return {name: entry.description for name, entry in self._entries.items()}


FORMS = FormTable(
    {
        "linear": FormEntry("one_step:OneStep", "Linear attention, one step on the alignment of targets."),
        "normalised": FormEntry("normalised:NormalisedAttention", "Linear attention, divided by the weights' sum."),
        "softmax": FormEntry("softmax:SoftmaxNeighbours", "Softmax attention, a Nadaraya-Watson estimate."),
        "delta": FormEntry("delta_rule:DeltaRule", "The delta rule, one squared-error step after the other."),
        "ridge": FormEntry("ridge:Ridge", "Ridge attention in closed form, with a zero diagonal as in EASE."),
        "steps": FormEntry("multi_step:MultiStep", "Several full-batch steps, as linear attention of a refined query."),
    }
)
"""Name -> form."""


def build(form: str, demonstrations: Transitions, initial: InitialWeights, meta: Meta, **options: Any) -> OneStep:
    """A recommender of a form, with the meta-parameters that all forms share.

    Args:
        form: a name of `FORMS`.
        demonstrations: with keys made by `meta.keys()`.
        initial: W_0.
        meta: see `Meta`.
        options: fields of the form alone, such as `temperature` or `steps`.

    Returns:
        The recommender, an instance of `FORMS[form]`.

    Raises:
        ValueError: there is no such form, or it has no such option.

    Examples:
        >>> from lrgd_jax.recommend.data.sequences import Sequences
        >>> from lrgd_jax.recommend.forms.initial_weights import InitialWeights
        >>> from lrgd_jax.recommend.forms.meta_parameters import Meta
        >>> from lrgd_jax.recommend.forms.popularity import popularity
        >>> from lrgd_jax.recommend.forms.transitions import transitions
        >>> past, meta = Sequences.from_lists([[0, 1], [0, 2], [0, 1]]), Meta(similarity=0.0)
        >>> initial = InitialWeights.of(popularity(past, 3), meta)
        >>> model = build("steps", transitions(past, meta.keys(), 3), initial, meta, steps=3)
        >>> int(model.scores(Sequences.from_lists([[0]])).argmax())
        1
    """
    check_form(form, options)
    return FORMS[form](demonstrations, initial, meta.query_keys(), meta.target_scaling, meta.feature_scaling, **options)


def build_from_histories(
    histories: Sequences,
    items: int,
    meta: Meta,
    *,
    form: str = "linear",
    vectors: ItemVectors | None = None,
    **options: Any,
) -> OneStep:
    """A recommender that demonstrates every transition of some histories and counts every interaction of them.

    Args:
        histories: one list a user.
        items: size of the catalogue.
        meta: see `Meta`.
        form: a name of `FORMS`.
        vectors: vectors of the items' texts, for W_0; None without texts.
        options: fields of the form alone.

    Returns:
        The recommender, an instance of `FORMS[form]`.

    Raises:
        ValueError: there is no such form, it has no such option, or an item is not in the catalogue.

    Examples:
        >>> from lrgd_jax.recommend.data.sequences import Sequences
        >>> from lrgd_jax.recommend.forms.meta_parameters import Meta
        >>> past = Sequences.from_lists([[0, 1], [0, 2], [0, 1]])
        >>> model = build_from_histories(past, 3, Meta(similarity=0.0), form="softmax", temperature=0.5)
        >>> len(model.demonstrations), type(model).__name__
        (3, 'SoftmaxNeighbours')
    """
    from lrgd_jax.recommend.forms.initial_weights import InitialWeights
    from lrgd_jax.recommend.forms.popularity import popularity
    from lrgd_jax.recommend.forms.transitions import transitions

    initial = InitialWeights.of(popularity(histories, items), meta, vectors)
    return build(form, transitions(histories, meta.keys(), items), initial, meta, **options)


def check_form(form: str, options: Iterable[str]) -> None:
    """Refuses a form or an option that is not there.

    Raises:
        ValueError: there is no such form, or it has no such option.
    """
    from lrgd_jax.recommend.forms.one_step import OneStep

    if form not in FORMS:
        raise ValueError(f"unknown form {form!r}; expected one of {', '.join(FORMS)}")
    own = set(FORMS[form].__dataclass_fields__) - set(OneStep.__dataclass_fields__)
    strange = sorted(set(options) - own)
    if strange:
        raise ValueError(f"the form {form!r} has no option {strange[0]!r}; it has {', '.join(sorted(own)) or 'none'}")
