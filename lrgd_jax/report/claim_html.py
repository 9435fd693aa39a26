"""Claims and what was found of them as HTML: the statement with its proof, a verdict, the exact layers."""

import math

from lrgd_jax.certify.verdicts.enclosures import Enclosure
from lrgd_jax.certify.verdicts.random_fields import Agreement
from lrgd_jax.claims.certification import Certification, ShapeCertificate
from lrgd_jax.claims.claim import Claim
from lrgd_jax.claims.failure_texts import sizes_text
from lrgd_jax.claims.groups import group_name
from lrgd_jax.claims.verdicts import Verdict
from lrgd_jax.report.html import escape_text, table
from lrgd_jax.report.html_pieces import badge, code, definitions, folded, tiles
from lrgd_jax.report.mathml import markdown_html

__all__ = ["certification_html", "claim_html", "verdict_html"]

STATUS = {"certified": True, "points": None, "not applicable": None, "not certified": False}
"""What a badge says of each status."""


def claim_html(claim: Claim) -> str:
    """Statement, assumptions, arguments, mutants, and the proof, folded.

    Args:
        claim: any.
    """
    assumptions = "".join(f"<li>{markdown_html(one)}</li>" for one in claim.assumptions)
    arguments = {
        code(name): code(shape if isinstance(shape, str) else f"{shape.shape}, integers below {shape.below}")
        for name, shape in claim.arguments.items()
    }
    sides = {"left": _name(claim.left), "right": _name(claim.right)}
    mutants = "".join(
        f"<li>{escape_text(mutant.name)}{_quoted(mutant.quoted.source) if mutant.quoted else ''}</li>"
        for mutant in claim.mutants
    )
    return (
        f"<h2>{escape_text(claim.title)}</h2>"
        f'<p class="muted">{code(claim.slug)}, group {escape_text(group_name(claim.group))}; '
        f"{escape_text(claim.relation)}; source: {escape_text(claim.source)}</p>"
        f"{markdown_html(claim.statement.strip())}"
        f"{f'<h3>Assumptions</h3><ul>{assumptions}</ul>' if assumptions else ''}"
        f"{folded('Proof', markdown_html(claim.proof.strip()))}"
        f"{folded('Arguments and sides', definitions({**arguments, **sides}))}"
        f"<h3>Wrong versions that the check must reject</h3><ul>{mutants}</ul>"
    )


def verdict_html(verdict: Verdict) -> str:
    """Whether a claim holds in a dtype, how near its bound the sides came, and what became of the mutants.

    Args:
        verdict: of one claim in one dtype.
    """
    rejected = sum(mutant.rejected for mutant in verdict.mutants)
    numbers = {
        "error/bound": f"{verdict.worst_ratio:.2g}",
        "detection limit": "–" if verdict.detection_limit is None else f"{verdict.detection_limit:.2g}",
        "mutants rejected": f"{rejected}/{len(verdict.mutants)}" if verdict.mutants else "not tried",
        "instances": str(verdict.instances),
    }
    # where every mutant is rejected, there is no reason to tell
    head = ["mutant", "", *(["why not"] if rejected < len(verdict.mutants) else [])]
    rows = [
        [escape_text(one.name), _layer(one.rejected), escape_text(one.reason or "")][: len(head)]
        for one in verdict.mutants
    ]
    failure = ""
    if verdict.failure is not None:
        where = sizes_text(verdict.failure.dimensions)
        failure = f"<p>{escape_text(verdict.failure.reason)}{f' (at {escape_text(where)})' if where else ''}</p>"
    return (
        f"<h2>{badge('holds' if verdict.holds else 'falls', verdict.holds)} {escape_text(verdict.title)}</h2>"
        f'<p class="muted">{code(verdict.slug)}, group {escape_text(group_name(verdict.group))}, '
        f"{escape_text(verdict.dtype)}</p>{tiles(numbers)}{ratio_scale(verdict.worst_ratio)}{failure}"
        f"{_wide(head, rows, words=[0, 2])}"
    )


def certification_html(certification: Certification) -> str:
    """What the exact layers say of a claim, shape by shape.

    Args:
        certification: of one claim.
    """
    status = certification.status
    head = ["shape", "fields", "degree", "false with probability", "bits", "radius"]
    rows = [_shape_row(shape) for shape in certification.shapes]
    mutants = [
        [escape_text(one.name), *(_layer(x) for x in (one.exact, one.rigorous))] for one in certification.mutants
    ]
    reasons = [*([] if certification.reason is None else [certification.reason]), *certification.reasons.values()]
    conditions = "".join(f"<p><b>{escape_text(x.kind)}</b> {escape_text(str(x))}</p>" for x in certification.conditions)
    return (
        f"<h2>{badge(status, STATUS[status])} {code(certification.slug)}</h2>"
        f"{''.join(f'<p>{escape_text(reason)}</p>' for reason in reasons)}"
        f"{_wide(head, rows, words=[0])}{_wide(['mutant', 'exact', 'rigorous'], mutants, words=[0])}"
        f"{folded('Conditions', conditions) if conditions else ''}"
    )


def ratio_scale(ratio: float, width: int = 420) -> str:
    """Where a difference lies between a millionth of its bound and ten times that; above one it falls.

    Args:
        ratio: difference over bound.
        width: pixels.
    """
    low, high, height = -6.0, 1.0, 34
    place = low if not ratio > 0 else high if math.isinf(ratio) else min(max(math.log10(ratio), low), high)
    middle = round(8 + (width - 16) * (place - low) / (high - low), 1)
    bound = round(8 + (width - 16) * (0 - low) / (high - low), 1)
    kind = "helps" if ratio <= 1 else "harms"
    return (
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="error over bound: {ratio:.2g}; the bound is 1">'
        f'<rect class="harms" fill-opacity="0.12" x="{bound}" y="2" width="{width - 8 - bound:.1f}" height="16"/>'
        f'<path class="axis" d="M8 10H{width - 8}M{bound} 0V20"/><circle class="{kind}" cx="{middle}" cy="10" r="6"/>'
        f'<text x="8" y="31">1e-6 of the bound or less</text>'
        f'<text x="{bound}" y="31" text-anchor="middle">bound</text></svg>'
    )


def _wide(head: list[str], rows: list[list[str]], words: list[int]) -> str:
    return f'<div class="wide">{table(head, rows, words=words)}</div>' if rows else ""


def _quoted(source: str) -> str:
    return f' <span class="muted">(quoted for the right one: {escape_text(source)})</span>'


def _name(side: object) -> str:
    return code(str(getattr(side, "__name__", type(side).__name__)))


def _layer(rejected: bool | None) -> str:
    return "does not apply" if rejected is None else badge("rejected" if rejected else "survives", rejected)


def _shape_row(shape: ShapeCertificate) -> list[str]:
    exact = shape.exact if isinstance(shape.exact, Agreement) else None
    rigorous = shape.rigorous if isinstance(shape.rigorous, Enclosure) else None
    numbers = ["–"] * 3 if exact is None else [str(len(exact.fields)), str(exact.degree), f"≤ {exact.false_accept:.2g}"]
    balls = ["–"] * 2 if rigorous is None else [str(rigorous.bits), f"{rigorous.radius:.2g}"]
    return [escape_text(sizes_text(shape.dimensions)), *numbers, *balls]
