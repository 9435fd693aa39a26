"""What was decided of an update: the gradient of a loss, or of none, and the witness; as text and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Array, Float

from lrgd_jax.certify.answers.certificates import Certificate
from lrgd_jax.certify.answers.counterexample import Counterexample
from lrgd_jax.certify.tracing.shapes import Sizes
from lrgd_jax.certify.verdicts.conditions import Condition

__all__ = ["Conservative", "Loss", "Rotational", "Undecided"]


@dataclass(frozen=True)
class Loss:
    r"""A loss of the state, as the line integral of its gradient from zero.

    $$L(S) = \int_0^1 \langle M F(tS), S\rangle\,dt = \sum_{j=0}^{D} w_j\,\langle M F(jS), S\rangle,$$

    exact where F is a polynomial of degree D in the state: the weights integrate every polynomial of that degree.

    Attributes:
        degree: D.
        weights: w_j, of the nodes 0, 1, ..., D.
        certificate: that the gradient of this loss is the update (both times the weights' common denominator, so that
            no weight is rounded).
        function: the loss, called like the update.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.certify import is_gradient
        >>> verdict = is_gradient(lambda S, v: S - v, "S:n=2; v:n", wrt="S")
        >>> verdict.loss.degree, [str(weight) for weight in verdict.loss.weights]
        (1, ['1/2', '1/2'])
        >>> float(verdict.loss(jnp.array([2.0, 0.0]), jnp.array([1.0, 0.0])))  # S^2 / 2 - S v
        0.0
    """

    degree: int
    weights: tuple[Fraction, ...]
    certificate: Certificate
    function: Callable[..., Float[Array, ""]]

    def __call__(self, *args: Array, **named: Array) -> Float[Array, ""]:
        """The loss at a state and the other arguments."""
        return self.function(*args, **named)


@dataclass(frozen=True)
class Conservative:
    """An update is the gradient of a loss, for all arguments of these shapes; counts as true.

    Attributes:
        update: its name.
        wrt: the name of the state.
        metric: None for the Euclidean one, else the name of the metric under which it is a gradient.
        certificate: that the Jacobian, times the metric, is symmetric.
        loss: the loss, where the update is a polynomial in the state; else None.
        poles: where the update may have no value. Near every other state there is a loss; that one loss serves all of
            them is not said, since it may have to wind around a pole.
        matrix: of the metric, for the state's entries in their order, where it was searched for and found.
        definite: whether u' M u > 0 for every u but zero; else a step downhill goes up in some directions.

    Examples:
        >>> from lrgd_jax.certify import is_gradient
        >>> verdict = is_gradient(lambda S, v: S - v, "S:n=2; v:n", wrt="S")
        >>> bool(verdict), type(verdict).__name__, verdict.poles
        (True, 'Conservative', ())
    """

    update: str
    wrt: str
    metric: str | None
    certificate: Certificate
    loss: Loss | None
    poles: tuple[Condition, ...] = ()
    matrix: tuple[tuple[int, ...], ...] | None = None
    definite: bool = True

    def __bool__(self) -> bool:
        return True

    def __str__(self) -> str:
        under = "" if self.metric is None else f" under the metric {self.metric}"
        lines = [f"gradient: {self.update} is the gradient of a loss of {self.wrt}{under}"]
        if self.matrix is not None:
            kind = "positive definite" if self.definite else "indefinite: a step goes up in some directions"
            lines.append(f"  {self.metric} = {[list(row) for row in self.matrix]}, {kind}")
        if self.poles:
            lines.append(
                "  near every state at which it has a value; one loss for all of them might wind around a pole:"
            )
            lines.extend(f"    {pole}" for pole in self.poles)
        elif self.loss is None:
            lines.append("  loss: its line integral from zero; the update is no polynomial in the state")
        else:
            lines.append(f"  loss: {self.written}")
        return "\n".join([*lines, *(f"  {line}" for line in str(self.certificate).splitlines())])

    @property
    def written(self) -> str:
        """The loss as a formula."""
        if self.loss is None:
            return ""
        name = self.update if self.metric is None else f"{self.metric} {self.update}"
        at = {0: "0", 1: self.wrt}
        terms = [
            f"{weight} <{name}({at.get(node, f'{node} {self.wrt}')}), {self.wrt}>"
            for node, weight in enumerate(self.loss.weights)
            if weight
        ]
        return " + ".join(terms).replace("+ -", "- ") or "0"

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "verdict": "gradient",
            "update": self.update,
            "wrt": self.wrt,
            "metric": self.metric,
            "matrix": None if self.matrix is None else [list(row) for row in self.matrix],
            "definite": self.definite,
            "poles": [pole.as_dict() for pole in self.poles],
            "loss": None
            if self.loss is None
            else {
                "degree": self.loss.degree,
                "weights": [str(weight) for weight in self.loss.weights],
                "formula": self.written,
                "certificate": self.loss.certificate.as_dict(),
            },
            "certificate": self.certificate.as_dict(),
        }


@dataclass(frozen=True)
class Rotational:
    """An update is the gradient of no loss, since its Jacobian is not symmetric at some arguments; counts as false.

    Attributes:
        update: its name.
        wrt: the name of the state.
        metric: as in `Conservative`.
        sizes: of the named axes, as small as was found.
        arguments: at which the Jacobian is not symmetric.
        entries: two entries of the state.
        derivatives: of the update's first entry by the state's second, and the other way round.
        counterexample: to the symmetry.
        no_metric: why no constant metric serves, where one was searched for.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.certify import is_gradient
        >>> verdict = is_gradient(lambda S: S[::-1] * jnp.array([1.0, -1.0]), "S:n=2", wrt="S")
        >>> bool(verdict), verdict.derivatives
        (False, (1.0, -1.0))
    """

    update: str
    wrt: str
    metric: str | None
    sizes: Sizes
    arguments: Mapping[str, np.ndarray]
    entries: tuple[tuple[int, ...], tuple[int, ...]]
    derivatives: tuple[float, float]
    counterexample: Counterexample
    no_metric: str = ""

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        under = "" if self.metric is None else f" under the metric {self.metric}"
        first, second = (str(list(entry)) if entry else "" for entry in self.entries)
        sizes = ", ".join(f"{name} = {size}" for name, size in self.sizes.items())
        at = f"; {sizes}" if sizes else ""
        lines = [f"no gradient: {self.update} is the gradient of no loss of {self.wrt}{under}{at}"]
        lines += [f"  {name} = {np.asarray(value).tolist()}" for name, value in self.arguments.items()]
        lines.append(f"  d{self.update}{first}/d{self.wrt}{second} = {self.derivatives[0]:g}")
        lines.append(f"  d{self.update}{second}/d{self.wrt}{first} = {self.derivatives[1]:g}")
        if self.no_metric:
            lines.append(f"  nor under another constant metric: {self.no_metric}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "verdict": "no gradient",
            "update": self.update,
            "wrt": self.wrt,
            "metric": self.metric,
            "sizes": dict(self.sizes),
            "arguments": {name: np.asarray(value).tolist() for name, value in self.arguments.items()},
            "entries": [list(entry) for entry in self.entries],
            "derivatives": list(self.derivatives),
            "no_metric": self.no_metric or None,
            "counterexample": self.counterexample.as_dict(),
        }


@dataclass(frozen=True)
class Undecided:
    """Nothing is certain of an update; counts as false.

    Attributes:
        update: its name.
        wrt: the name of the state.
        metric: as in `Conservative`.
        reason: why.

    Examples:
        >>> verdict = Undecided("update", wrt="S", metric=None, reason="it has no derivative at zero")
        >>> bool(verdict)
        False
        >>> print(verdict)
        undecided: whether update is the gradient of a loss of S: it has no derivative at zero
    """

    update: str
    wrt: str
    metric: str | None
    reason: str

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return f"undecided: whether {self.update} is the gradient of a loss of {self.wrt}: {self.reason}"

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "verdict": "undecided",
            "update": self.update,
            "wrt": self.wrt,
            "metric": self.metric,
            "reason": self.reason,
        }
