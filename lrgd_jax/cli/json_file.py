"""The verdicts as JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from lrgd_jax.claims.certificates import layers_content
from lrgd_jax.claims.certified import Certification
from lrgd_jax.claims.comparison import Comparison
from lrgd_jax.claims.real_decoder import DecoderVerdict
from lrgd_jax.claims.verdicts import Verdict

__all__ = ["content_of"]


def content_of(
    version: str,
    dtypes: Sequence[str],
    seed: int,
    verdicts: Sequence[Verdict],
    certifications: Mapping[str, Certification],
    model: DecoderVerdict | None,
) -> dict[str, Any]:
    """What the file says; the exact layers, where they were asked for, stand with every dtype of a claim."""
    return {
        "version": version,
        "dtype": ",".join(dtypes),
        "seed": seed,
        "claims": [_claim(verdict, certifications.get(verdict.slug)) for verdict in verdicts],
        "model": None if model is None else _model(model),
    }


def _claim(verdict: Verdict, certification: Certification | None) -> dict[str, Any]:
    layers = {} if certification is None else layers_content(certification)
    mutants = [{"name": mutant.name, "rejected": mutant.rejected} for mutant in verdict.mutants]
    for mutant in layers.pop("mutants", []):
        found = next((one for one in mutants if one["name"] == mutant["name"]), None)
        if found is not None:
            found.update(exact=mutant["exact"], rigorous=mutant["rigorous"])
    return {
        "slug": verdict.slug,
        "group": verdict.group,
        "dtype": verdict.dtype,
        "holds": verdict.holds,
        "instances": verdict.instances,
        "worst_ratio": verdict.worst_ratio,
        "detection_limit": verdict.detection_limit,
        "mutants": mutants,
        "seconds": verdict.seconds,
        **layers,
    }


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
