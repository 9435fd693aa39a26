"""Dual models as HTML: their formulas, what they are made of, and small pictures of their numbers."""

from collections.abc import Mapping

import numpy as np
from jax.core import Tracer

from lrgd_jax.display import HtmlDisplay, field_texts
from lrgd_jax.dual.base import OneStepModel
from lrgd_jax.dual.finite import DualModel
from lrgd_jax.dual.full_batch import FullBatchDescent
from lrgd_jax.dual.functional import FunctionalDual, KernelExpansion
from lrgd_jax.dual.online import OnlineDescent
from lrgd_jax.report.html_pieces import code, definitions, number_map
from lrgd_jax.report.mathml import formula

__all__ = ["dual_model_html", "expansion_html", "full_batch_html", "functional_dual_html", "online_descent_html"]


def dual_model_html(model: DualModel) -> str:
    """A linear model on features, before its step.

    Args:
        model: any, also one whose arrays are not known yet.
    """
    return _shown(
        "A linear model on features, one step of descent from attention",
        r"f_W(x) = W\phi(x),\qquad W_1 = W_0 - \eta\nabla L(W_0)" + _ratio(model),
        model,
        {"W₀": model.initial_weights, "inputs x": model.inputs, "targets y": model.targets},
    )


def functional_dual_html(model: FunctionalDual) -> str:
    """A function of a reproducing kernel Hilbert space, before its step.

    Args:
        model: any.
    """
    return _shown(
        "A function in the space of a kernel, one step of descent from attention",
        r"f_1 = f_0 - \eta\nabla L(f_0),\qquad \nabla L(f) = \sum_i \frac{\partial\ell}{\partial f(x_i)}\,"
        r"\kappa(x_i, \cdot)" + _ratio(model),
        model,
        {"inputs x": model.inputs, "targets y": model.targets},
    )


def expansion_html(function: KernelExpansion) -> str:
    """A function as a sum over its centres.

    Args:
        function: any.
    """
    return _shown(
        "A function in the space of a kernel",
        r"f(x) = \sum_j c_j\,\kappa(z_j, x)",
        function,
        {"centres z": function.centres, "coefficients c": function.coefficients},
    )


def online_descent_html(model: OnlineDescent) -> str:
    """Steps token by token.

    Args:
        model: any.
    """
    base = model.model
    return _shown(
        "Online descent, token by token",
        r"\tilde W_t = W_{t-1} - \nabla R_t(W_{t-1}),\qquad W_t = \tilde W_t - \eta\nabla L_t(A_t)",
        model,
        {"W₀": base.initial_weights, "inputs x": base.inputs, "targets y": base.targets},
    )


def full_batch_html(model: FullBatchDescent) -> str:
    """Steps on all tokens at once.

    Args:
        model: any.
    """
    base = model.model
    return _shown(
        "Descent on all tokens at once",
        r"W_{j+1} = W_j - \eta\,\nabla L(W_j)\,P,\qquad j = 0, \dots, T-1",
        model,
        {"W₀": base.initial_weights, "inputs x": base.inputs, "targets y": base.targets},
    )


def _ratio(model: OneStepModel) -> str:
    return r",\qquad (a; b) \mapsto a/b" if model.projective else ""


def _shown(title: str, latex: str, shown: object, arrays: Mapping[str, object]) -> str:
    rows = {code(name): code(text) for name, text in _parts(shown).items()}
    known = {name: np.asarray(x) for name, x in arrays.items() if not isinstance(x, Tracer)}
    pictures = "".join(number_map(name, values) for name, values in known.items())
    heading = f"<h2>{code(type(shown).__name__)}</h2><p>{title}</p>{formula(latex, display=True)}"
    return heading + definitions(rows) + (f'<div class="many">{pictures}</div>' if pictures else "")


def _parts(shown: object) -> dict[str, str]:
    """What an object is made of, the parts of a model or function within it by both names."""
    parts: dict[str, str] = {}
    for name, text in field_texts(shown).items():
        within = getattr(shown, name)
        inner = field_texts(within) if isinstance(within, HtmlDisplay) else {}
        parts |= {f"{name}.{part}": said for part, said in inner.items()} or {name: text}
    return parts
