"""What a comparison of two functions came to, as HTML: a certificate, a counterexample, or neither."""

from collections.abc import Iterable, Mapping

import numpy as np

from lrgd_jax.certify.answers.certificates import Certificate
from lrgd_jax.certify.answers.counterexample import Counterexample
from lrgd_jax.certify.answers.result_texts import Exact, Rigorous, exact_text, nested_text, results_text, rigorous_text
from lrgd_jax.certify.answers.unrefuted import Unrefuted
from lrgd_jax.certify.balls.undefined_values import NO_VALUE
from lrgd_jax.certify.verdicts.conditions import Condition
from lrgd_jax.certify.verdicts.enclosures import Relation
from lrgd_jax.report.html import escape_text
from lrgd_jax.report.html_pieces import badge, code, definitions, folded, grid

__all__ = ["certificate_html", "counterexample_html", "unrefuted_html"]


def certificate_html(certificate: Certificate) -> str:
    """Which functions are equal, by which layers, and on which conditions.

    Args:
        certificate: of two functions.
    """
    rows = {"shapes": code(certificate.shapes), **_layers(certificate)}
    if certificate.integers is not None:
        rows["integers"] = escape_text(str(certificate.integers))
    notes = "".join(f"<p>{escape_text(note)}</p>" for note in certificate.notes)
    return (
        f"<h2>{badge('certified', True)} {_relation(certificate.functions, certificate.relation)}</h2>"
        f"{definitions(rows)}{notes}{_conditions(certificate.conditions)}{_origin(certificate)}"
    )


def counterexample_html(counterexample: Counterexample) -> str:
    """Where two functions differ: the arguments, both results, and the first value at which the programs part.

    Args:
        counterexample: of two functions.
    """
    sizes = ", ".join(f"{name} = {size}" for name, size in counterexample.sizes.items())
    unequal = _relation(counterexample.functions, counterexample.relation, "≠", "≰")
    body = f"<h2>{badge('counterexample', False)} {unequal}</h2>"
    if counterexample.arguments is not None:
        given = {code(name): _values(x) for name, x in counterexample.arguments.items()}
        results = zip(counterexample.functions, (counterexample.left, counterexample.right), strict=True)
        answers = {code(name): code(results_text(result)) for name, result in results}
        apart = counterexample.apart
        told = "one of them alone has a value there" if apart == NO_VALUE else f"they differ by at least {apart}"
        body += (
            f"<p>At {escape_text(sizes or 'these arguments')}:</p>{definitions(given)}"
            f"<p>in {escape_text(str(counterexample.numbers))}</p>{definitions(answers)}<p>{escape_text(told)}</p>"
        )
    if counterexample.parting is not None:
        lines = counterexample.parting.lines(counterexample.functions, nested_text)
        body += folded("Where the programs part", "".join(f"<p>{code(line.strip())}</p>" for line in lines))
    rows = {"search": escape_text(counterexample.search), "shapes": code(counterexample.shapes)}
    literals = [*counterexample.constants, *counterexample.rounded]
    return f"{body}{definitions(rows)}{_conditions(literals)}{_origin(counterexample)}"


def unrefuted_html(tried: Unrefuted) -> str:
    """At how many points two functions are equal, and why no more is known.

    Args:
        tried: what was found.
    """
    rows = {"shapes": code(tried.shapes), **_layers(tried), "skipped points": str(tried.skipped)}
    unreached = "".join(f"<p>Not reached: {escape_text(branch)}</p>" for branch in tried.unreached)
    return (
        f"<h2>{badge('not certified', None)} {_relation(tried.functions, tried.relation)} at {tried.points} points</h2>"
        f"{definitions(rows)}{unreached}{_conditions(tried.constants)}{_origin(tried)}"
    )


def _relation(functions: tuple[str, str], relation: Relation, equal: str = "=", below: str = "≤") -> str:
    left, right = map(code, functions)
    return f"{left} {equal if relation == 'equal' else below} {right}"


def _layers(answer: Certificate | Unrefuted) -> Mapping[str, str]:
    exact: Exact = answer.exact
    rigorous: Rigorous = answer.rigorous
    return {
        "exact": escape_text(exact_text(exact)),
        "rigorous": escape_text(rigorous_text(rigorous, answer.relation, answer.points)),
    }


def _values(x: np.ndarray) -> str:
    """Numbers of a vector or a matrix in a grid; of anything larger in nested lists."""
    values = np.asarray(x)
    if 0 < values.ndim <= 2 and values.size > 0:
        return grid([[nested_text(cell) for cell in row] for row in np.atleast_2d(values).tolist()])
    return code(nested_text(values.tolist()))


def _conditions(conditions: Iterable[Condition]) -> str:
    rows = [f"<p><b>{escape_text(one.kind)}</b> {escape_text(str(one))}</p>" for one in conditions]
    return folded("Conditions", "".join(rows)) if rows else ""


def _origin(answer: Certificate | Counterexample | Unrefuted) -> str:
    programs = zip(answer.functions, answer.programs, strict=True)
    rows = {f"program of {code(name)}": code(f"sha256 {digest}") for name, digest in programs}
    versions = ", ".join(f"{name} {version}" for name, version in answer.versions.items())
    rows |= {"seed": str(answer.seed), "versions": escape_text(versions)}
    return folded("What computed it", definitions(rows))
