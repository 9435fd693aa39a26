"""The verdicts as JSON: valid for every reader, and never half written."""

import json
import math
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lrgd_jax.claims.comparison import Comparison
from lrgd_jax.claims.real_decoder import DecoderVerdict
from lrgd_jax.claims.verdicts import Verdict

__all__ = ["content_of", "write_json"]


def content_of(
    version: str, dtypes: Sequence[str], seed: int, verdicts: Sequence[Verdict], model: DecoderVerdict | None
) -> dict[str, Any]:
    """What the file says."""
    return {
        "version": version,
        "dtype": ",".join(dtypes),
        "seed": seed,
        "claims": [_claim(verdict) for verdict in verdicts],
        "model": None if model is None else _model(model),
    }


def write_json(file: Path, content: dict[str, Any]) -> None:
    """Writes beside the file, then replaces it; numbers that are not finite become null."""
    text = json.dumps(_finite(content), indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    handle, name = tempfile.mkstemp(dir=file.absolute().parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        # mkstemp's permissions are for the owner alone
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)
        os.replace(name, file)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _claim(verdict: Verdict) -> dict[str, Any]:
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


def _finite(x: Any) -> Any:
    if isinstance(x, dict):
        return {key: _finite(value) for key, value in x.items()}
    if isinstance(x, list):
        return [_finite(value) for value in x]
    return None if isinstance(x, float) and not math.isfinite(x) else x
