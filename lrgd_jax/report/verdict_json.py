"""The verdicts as JSON.

A claim that cannot be evaluated has a row of its own: {"slug", "group", "dtype", "holds": null, "error": why,
"error_kind": "input" or "internal", "seconds"}. Where the exact layers alone cannot be evaluated, "certified" is null
beside "certify_error" and "certify_error_kind". "complete" is false in the file of a run that is not finished yet, or
that was ended. "constants" says which measured constants the bounds rest on; "misquotations" is there
where the group misquoted was asked for.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from lrgd_jax.certify.rounding.constants import constants_in_use
from lrgd_jax.claims.certificates import layers_content
from lrgd_jax.claims.certification import Certification
from lrgd_jax.claims.comparison import Comparison
from lrgd_jax.claims.decoder_check import DecoderVerdict
from lrgd_jax.claims.misquotations import Refutation
from lrgd_jax.claims.verdicts import Unevaluated, Verdict
from lrgd_jax.report.misquotations import misquotation_content

__all__ = ["verdicts_content"]


def verdicts_content(
    version: str,
    dtypes: Sequence[str],
    seed: int,
    verdicts: Sequence[Verdict | Unevaluated],
    certifications: Mapping[str, Certification | Unevaluated],
    model: DecoderVerdict | None,
    *,
    complete: bool = True,
    refutations: Sequence[Refutation] | None = None,
) -> dict[str, Any]:
    """What the file says; the exact layers, where they were asked for, stand with every dtype of a claim.

    Args:
        version: of the package.
        dtypes: that were asked for.
        seed: of the random instances.
        verdicts: that are there, or why one is not.
        certifications: by slug, what the exact layers say.
        model: the verdict on a checkpoint, if one was asked for.
        complete: whether everything that was asked for is there.
        refutations: of misquotations, if they were asked for.
    """
    content = {
        "version": version,
        "dtype": ",".join(dtypes),
        "seed": seed,
        "complete": complete,
        "constants": constants_in_use().as_dict(),
        "claims": [_claim(verdict, certifications.get(verdict.slug)) for verdict in verdicts],
        "model": None if model is None else _model(model),
    }
    return content if refutations is None else content | {"misquotations": list(map(misquotation_content, refutations))}


def _claim(verdict: Verdict | Unevaluated, certification: Certification | Unevaluated | None) -> dict[str, Any]:
    row = _error(verdict) if isinstance(verdict, Unevaluated) else _verdict(verdict)
    if isinstance(certification, Unevaluated):
        kind = _kind(certification)
        return row | {"certified": None, "certify_error": certification.reason, "certify_error_kind": kind}
    layers = {} if certification is None else layers_content(certification)
    if isinstance(verdict, Unevaluated):
        return row | layers
    for mutant in layers.pop("mutants", []):
        same = next((one for one in row["mutants"] if one["name"] == mutant["name"]), None)
        if same is not None:
            same.update(exact=mutant["exact"], rigorous=mutant["rigorous"])
    return row | layers


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "slug": verdict.slug,
        "group": verdict.group,
        "dtype": verdict.dtype,
        "holds": verdict.holds,
        "instances": verdict.instances,
        "worst_ratio": verdict.worst_ratio,
        "detection_limit": verdict.detection_limit,
        "mutants": [{"name": mutant.name, "rejected": mutant.rejected} for mutant in verdict.mutants],
        "seconds": verdict.seconds,
    }


def _error(unevaluated: Unevaluated) -> dict[str, Any]:
    return {
        "slug": unevaluated.slug,
        "group": unevaluated.claim.group,
        "dtype": unevaluated.layer,
        "holds": None,
        "error": unevaluated.reason,
        "error_kind": _kind(unevaluated),
        "seconds": unevaluated.seconds,
    }


def _kind(unevaluated: Unevaluated) -> str:
    return "internal" if unevaluated.internal else "input"


def _model(verdict: DecoderVerdict) -> dict[str, Any]:
    greedy = verdict.greedy
    return {
        "directory": verdict.directory,
        "dtype": verdict.dtype,
        "holds": verdict.holds,
        "prompt_tokens": verdict.prompt_tokens,
        "demonstrations": verdict.demonstrations,
        "logits": _comparison(verdict.logits),
        "layers": [_comparison(one) for one in verdict.layers],
        "steps": len(greedy.tokens),
        "tokens_identical": greedy.identical,
        "smallest_gap": greedy.smallest_gap,
        "tokens": list(greedy.tokens),
        "text": greedy.text,
        "notes": list(verdict.notes),
        "seconds": verdict.seconds,
    }


def _comparison(one: Comparison) -> dict[str, Any]:
    return {
        "holds": one.holds,
        "difference": one.difference,
        "bound": one.tolerance,
        "worst_ratio": one.ratio,
        "detection_limit": one.detection_limit,
    }
