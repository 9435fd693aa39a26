"""Every attention form of the package with fields that it accepts, and feature maps."""

import dataclasses
import inspect
import random
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias, Union, get_args, get_origin, get_type_hints

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st

from lrgd_jax import attention
from lrgd_jax.attention import AttentionForm, Rotary
from lrgd_jax.attention.per_token import PerFeature, PerToken
from lrgd_jax.features import (
    DPFP,
    PositiveRandomFeatures,
    TaylorFeatures,
    elu_plus_one,
    identity,
    relu,
)
from lrgd_jax.strategies.arrays import arrays
from lrgd_jax.strategies.decays import decays
from lrgd_jax.types import FeatureMap

__all__ = ["FIELDS", "KINDS", "attention_forms", "feature_maps"]


def feature_maps(width: int, *, positive: bool = False) -> st.SearchStrategy[FeatureMap]:
    """Feature maps of vectors of a width; they shrink to the identity, or to elu + 1 among the positive ones.

    Args:
        width: d.
        positive: only those whose features are positive, so that sums of weights are no zero.

    Raises:
        ValueError: the width is not positive.

    Examples:
        >>> from hypothesis import find
        >>> find(feature_maps(3), lambda phi: isinstance(phi, DPFP) and phi.nu > 1)
        DPFP(nu=2)
    """
    return _counted_maps(width, positive=positive).map(lambda counted: counted[0])


def _counted_maps(width: int, *, positive: bool) -> st.SearchStrategy[tuple[FeatureMap, int]]:
    """Feature maps with the number of their features, by the formula: within a strategy nothing is traced."""
    if width < 1:
        raise ValueError(f"feature_maps: the width must be positive, got {width}")
    shapes = st.tuples(st.integers(1, 4), st.just(width))
    drawn = shapes.flatmap(lambda shape: arrays(shape, scale=2.0)).map(
        lambda rows: (PositiveRandomFeatures(rows), rows.shape[0])
    )
    if positive:
        return st.just((elu_plus_one, width)) | drawn
    plain: list[tuple[FeatureMap, int]] = [(phi, width) for phi in (identity, relu, elu_plus_one)]
    plain += [(TaylorFeatures(degree), sum(width**j for j in range(degree + 1))) for degree in range(3)]
    shifts = st.integers(1, min(3, 2 * width - 1)).map(lambda nu: (DPFP(nu), 2 * width * nu))
    return st.sampled_from(plain) | shifts | drawn


class Field(NamedTuple):
    """What the strategy of a field may depend on.

    Attributes:
        hint: the type that the form declares.
        width: of a key.
        tokens: how many there are, where decays and strengths may be one a token; None otherwise.
        step: the largest write strength or rate.
        features: how many a key has.
    """

    hint: object
    width: int
    tokens: int | None
    step: float
    features: int


_FieldStrategy: TypeAlias = Callable[[Field], st.SearchStrategy[object]]


def _choices(field: Field) -> st.SearchStrategy[object]:
    return st.sampled_from(get_args(field.hint))


def _decays(field: Field) -> st.SearchStrategy[object]:
    if field.hint != PerFeature:
        return decays(tokens=field.tokens)
    shapes = {(), (field.features,), (field.tokens, field.features)}
    return decays(tokens=field.tokens, features=field.features).filter(lambda drawn: np.shape(drawn) in shapes)


def _rotations(field: Field) -> st.SearchStrategy[object]:
    # pairs of features are turned
    rotations = [] if field.features % 2 else [Rotary(), Rotary(layout="interleaved"), Rotary(offset=2)]
    return st.sampled_from(rotations) if rotations else st.none()


def _steps(field: Field) -> st.SearchStrategy[object]:
    one = st.sampled_from([field.step, field.step / 2, field.step / 8])
    if field.tokens is None or field.hint != PerToken:
        return one
    return one | st.lists(one, min_size=field.tokens, max_size=field.tokens).map(np.array)


def _metrics(field: Field) -> st.SearchStrategy[object]:
    r = field.features
    return st.lists(st.sampled_from([1.0, 0.5, 0.25]), min_size=r, max_size=r).map(np.diag)


FIELDS: Mapping[str, _FieldStrategy] = MappingProxyType(
    {
        "causal": lambda _: st.booleans(),
        "nesterov": lambda _: st.booleans(),
        "algorithm": _choices,
        "window": lambda _: st.integers(1, 4),
        "chunk": lambda _: st.integers(1, 4),
        "block": lambda _: st.integers(1, 4),
        "steps": lambda _: st.integers(1, 3),
        "scale": lambda _: st.sampled_from([1.0, 0.5, 0.25]),
        "alibi_slope": lambda _: st.sampled_from([0.5, 0.25, 0.0]),
        "rotary": _rotations,
        "decay": _decays,
        "momentum": lambda _: st.sampled_from([0.5, 0.0, 0.75]) | st.floats(0, 1, width=32, allow_subnormal=False),
        "strength": _steps,
        "learning_rate": _steps,
        "ridge": lambda _: st.sampled_from([1.0, 0.5]) | st.floats(0.125, 4.0, width=32),
        "preconditioner": _metrics,
    }
)
"""How a field of a form is drawn, by its name, beside `normalised` and `feature_map`; others keep their default."""

FIRST = ("normalised", "feature_map")
"""Fields that others depend on."""

STEPS = ("strength", "learning_rate")
"""Fields that are always drawn: which of them are stable depends on the tokens, so the default may not be."""

KINDS: Mapping[str, type[AttentionForm]] = MappingProxyType(  # pyright: ignore[reportAssignmentType]
    {
        name: kind
        for name, kind in vars(attention).items()
        if name in attention.__all__ and inspect.isclass(kind) and hasattr(kind, "is_causal")
        if dataclasses.is_dataclass(kind)
    }
)
"""The forms of one head that `lrgd_jax.attention` exports, by name."""


@st.composite
def attention_forms(
    draw: st.DrawFn,
    width: int,
    *,
    tokens: int | None = None,
    kinds: Sequence[type[AttentionForm]] | None = None,
    step: float = 2.0**-7,
) -> AttentionForm:
    """A form of one head with fields that it accepts, for keys of a width; shrinks to the defaults.

    Every form that `lrgd_jax.attention` exports is drawn. What does not go together is left out by asking the form
    itself, whose fields are checked when it is built.

    Args:
        draw: given by hypothesis.
        width: d.
        tokens: how many tokens there are, where decays and strengths may be one a token.
        kinds: classes of forms; all of the package unless given. They may be your own dataclasses.
        step: the largest write strength or learning rate; which step is stable depends on the tokens
            (`lrgd_jax.attention.stability_limit`).

    Raises:
        ValueError: the step is not positive and finite, there is no kind, one is no dataclass, or has a field without a
            default that is not known by its name.

    Examples:
        >>> from hypothesis import find
        >>> from lrgd_jax.attention import DeltaRule, LinearAttention
        >>> find(attention_forms(3, kinds=[DeltaRule]), lambda form: form.decay is not None).decay
        1.0
        >>> find(attention_forms(2, kinds=[LinearAttention]), lambda form: form.rotary is not None).causal
        False
    """
    if not 0 < step < float("inf"):
        raise ValueError(f"attention_forms: the step must be positive and finite, got {step}")
    if kinds is not None and not kinds:
        raise ValueError("attention_forms: at least one kind of form is needed, got none")
    kind = draw(st.sampled_from([*KINDS.values()] if kinds is None else kinds))
    hints, drawn, features = _field_types(kind), dict[str, object](), width
    if "normalised" in hints:
        drawn["normalised"] = draw(st.booleans())
    if "feature_map" in hints and (draw(st.booleans()) or drawn.get("normalised")):
        drawn["feature_map"], features = draw(_counted_maps(width, positive=bool(drawn.get("normalised"))))
    for name, hint in hints.items():
        if name in FIELDS and (name in STEPS or draw(st.booleans())):
            drawn[name] = draw(FIELDS[name](Field(_without_none(hint), width, tokens, step, features)))
    # a type checker that looks at some entries only draws random numbers, which hypothesis does not allow here
    state = random.getstate()
    try:
        return kind(**drawn)
    except ValueError:
        reject()
    finally:
        random.setstate(state)


def _field_types(kind: type[AttentionForm]) -> dict[str, object]:
    """The types of a form's fields, in the order of `FIELDS`, so that what is drawn does not depend on the form's."""
    if not dataclasses.is_dataclass(kind):
        raise ValueError(f"attention_forms: a kind of form is a class that is a dataclass, got {kind!r}")
    fields = {field.name: field for field in dataclasses.fields(kind)}  # pyright: ignore[reportArgumentType]
    known = [*FIRST, *FIELDS]
    missing = [
        name
        for name, field in fields.items()
        if name not in known and {field.default, field.default_factory} == {dataclasses.MISSING}
    ]
    if missing:
        raise ValueError(
            f"attention_forms: {kind.__name__} needs {', '.join(missing)}, for which there is no default and no "
            f"strategy; known are {', '.join(known)}"
        )
    hints = get_type_hints(kind)
    return {name: hints[name] for name in known if name in fields}


def _without_none(hint: object) -> object:
    """A type without its None; the same type where it has none."""
    members = get_args(hint)
    if get_origin(hint) is Literal or type(None) not in members:
        return hint
    return Union[tuple(member for member in members if member is not type(None))]  # noqa: UP007
