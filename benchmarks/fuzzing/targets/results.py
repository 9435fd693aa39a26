"""What commands keep: certificates, measured constants, the folder of an experiment's run."""

import json
import tempfile
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.fuzzing.byte_mutations import mutate_bytes
from benchmarks.fuzzing.json_mutations import mutate_json
from benchmarks.fuzzing.plain_readers import agrees
from benchmarks.fuzzing.target import Target
from benchmarks.fuzzing.targets.parquet import mutate_parquet
from benchmarks.fuzzing.targets.seals import seal_anew
from lrgd_jax.certify.rounding.constants import StoredRecord
from lrgd_jax.claims.certificates import read_certificates
from lrgd_jax.experiments.running.registry import find
from lrgd_jax.experiments.running.results import RUN
from lrgd_jax.experiments.running.runner import load_run, run
from lrgd_jax.outside.json_files import read_json

CERTIFICATES: tuple[dict[str, object], ...] = (
    {
        "format": 2, "claim": "softmax-attention", "title": "Softmax attention", "statement": "Both sides meet.",
        "seed": 0,
        "versions": {"jax": "0.10.2"}, "certified": True, "status": "certified", "conditions": [], "reasons": {},
        "mutants": [{"name": "uphill", "exact": "rejected", "rigorous": None}], "certify_seconds": 1.5,
        "exact": {"fields": [2147483647], "degree": 7, "symbols": 3, "false_accept": 1e-31, "cases": 1, "left_out": []},
        "shapes": [{"dimensions": {"n": 2}, "exact": None, "rigorous": {"bits": 64, "radius": 1e-41},
                    "programs": {"left": "0", "right": "1"}}],
    },
)  # fmt: skip
CONSTANTS = {
    "jaxlib": "0.10.2",
    "platform": "cpu",
    "device": "cpu",
    "measured": {"exp": {"float32": 1.5, "float64": 0.75}},
}
EXPERIMENT = "contexts"


def _certificate_fault(folder: Path, loaded: Any) -> str | None:
    plain = json.loads((folder / "claim.json").read_bytes())
    return None if loaded == [plain] else "the certificate is not what the file says"


def _constants_fault(folder: Path, loaded: Any) -> str | None:
    plain = json.loads((folder / "constants.json").read_bytes())
    said = {name: plain[name] for name in CONSTANTS}
    return None if agrees(loaded, said) else "the constants are not what the file says"


def _run_seeds() -> list[dict[str, bytes]]:
    config = replace(find(EXPERIMENT).QUICK, seeds=1, demonstrations=(1, 2), width=2, tasks=2, queries=2)
    with tempfile.TemporaryDirectory() as folder:
        run(EXPERIMENT, config, Path(folder))
        files = [file for file in Path(folder).rglob("*") if file.is_file()]
        return [{str(file.relative_to(folder)): file.read_bytes() for file in files}]


def _run_fault(folder: Path, loaded: Any) -> str | None:
    if loaded.summary != json.loads((folder / "summary.json").read_bytes())["summary"]:
        return "the summary is not the file's"
    if loaded.name != json.loads((folder / "run.json").read_bytes())["experiment"]:
        return "the experiment is not the file's"
    written = tomllib.loads((folder / "config.toml").read_text(encoding="utf-8-sig"))
    for name, value in written.items():
        own = getattr(loaded.config, name)
        if not agrees(own, value):
            return f"{name} is {own!r:.100}, in the file {value!r:.100}"
    rows = [
        {key: x for key, x in row.items() if x is not None}
        for row in pl.read_parquet(folder / "results.parquet").to_dicts()
    ]
    return None if list(loaded.rows) == rows else "the rows are not the file's"


TARGETS = (
    Target(
        "certificates",
        lambda: [{"claim.json": json.dumps(one).encode()} for one in CERTIFICATES],
        {"claim.json": mutate_json},
        read_certificates,
        _certificate_fault,
    ),
    Target(
        "measured constants",
        lambda: [{"constants.json": json.dumps(CONSTANTS).encode()}],
        {"constants.json": mutate_json},
        lambda folder: read_json(folder / "constants.json", StoredRecord, what="record of measured constants"),
        _constants_fault,
    ),
    Target(
        "run of an experiment",
        _run_seeds,
        {
            "run.json": mutate_json,
            "summary.json": mutate_json,
            "config.toml": mutate_bytes,
            "results.parquet": mutate_parquet,
        },
        lambda folder: load_run(seal_anew(folder, RUN)),
        _run_fault,
    ),
)
