"""The family by name: which attention reads the demonstrations."""

from collections.abc import Iterable
from typing import Any

from lrgd_jax.recommend.forms.delta_rule import DeltaRule
from lrgd_jax.recommend.forms.initial_weights import InitialWeights
from lrgd_jax.recommend.forms.meta_parameters import Meta
from lrgd_jax.recommend.forms.multi_step import MultiStep
from lrgd_jax.recommend.forms.normalised import NormalisedAttention
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.forms.ridge import Ridge
from lrgd_jax.recommend.forms.softmax import SoftmaxNeighbours
from lrgd_jax.recommend.forms.transitions import Transitions

__all__ = ["FORMS", "build", "check_form"]

FORMS: dict[str, type[OneStep]] = {
    "linear": OneStep,
    "normalised": NormalisedAttention,
    "softmax": SoftmaxNeighbours,
    "delta": DeltaRule,
    "ridge": Ridge,
    "steps": MultiStep,
}


def build(form: str, demonstrations: Transitions, initial: InitialWeights, meta: Meta, **options: Any) -> OneStep:
    """A recommender of a form, with the meta-parameters that all forms share.

    Args:
        form: a name of `FORMS`.
        demonstrations: with keys made by `meta.keys()`.
        initial: W_0.
        meta: see `Meta`.
        options: fields of the form alone, such as `temperature` or `steps`.

    Raises:
        ValueError: there is no such form, or it has no such option.
    """
    check_form(form, options)
    return FORMS[form](demonstrations, initial, meta.query_keys(), meta.target_scaling, meta.feature_scaling, **options)


def check_form(form: str, options: Iterable[str]) -> None:
    """Refuses a form or an option that is not there.

    Raises:
        ValueError: there is no such form, or it has no such option.
    """
    if form not in FORMS:
        raise ValueError(f"unknown form {form!r}; expected one of {', '.join(FORMS)}")
    own = set(FORMS[form].__dataclass_fields__) - set(OneStep.__dataclass_fields__)
    strange = sorted(set(options) - own)
    if strange:
        raise ValueError(f"the form {form!r} has no option {strange[0]!r}; it has {', '.join(sorted(own)) or 'none'}")
