"""What people write by hand: demonstrations, prompts, and the TOML configuration of an experiment."""

import json
import tomllib
from pathlib import Path
from typing import Any

from benchmarks.fuzzing.byte_mutations import mutate_bytes
from benchmarks.fuzzing.json_mutations import mutate_lines
from benchmarks.fuzzing.plain_readers import agrees
from benchmarks.fuzzing.target import Target
from lrgd_jax.cli.verify_options import model_options
from lrgd_jax.effect.demonstrations import read_demonstrations
from lrgd_jax.experiments.running.config import read_config, to_toml
from lrgd_jax.experiments.running.registry import find

PAIRS = b'{"input": "Italy", "output": "Rome"}\n{"input": "Per\xc3\xba", "output": "Lima", "note": [1, 2.5]}\n\n'
TEXTS = b'{"text": "Italy: Rome"}\r\n{"text": "Spain: Madrid \\u00e9", "more": {"a": null}}'
PROMPTS = (b"Italy: Rome\nSpain: Madrid\nFrance:", "Tag für Tag\n\n日本:\n".encode())
EXPERIMENT = "contexts"


def _demonstration_fault(folder: Path, loaded: Any) -> str | None:
    text = (folder / "lines.jsonl").read_text(encoding="utf-8-sig")
    lines = [json.loads(line) for line in text.split("\n") if line.strip()]
    plain = tuple(line["text"] if "text" in line else (line["input"], line["output"]) for line in lines)
    return None if loaded == plain else f"{loaded!r:.100} for {plain!r:.100}"


def _read_prompt(folder: Path) -> str:
    options = model_options(Path("model"), None, folder / "prompt.txt", None, 0)
    assert options is not None  # noqa: S101
    return options.prompt


def _prompt_fault(folder: Path, prompt: str) -> str | None:
    plain = (folder / "prompt.txt").read_bytes().decode().replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    return None if prompt == plain else f"{prompt!r:.100} for {plain!r:.100}"


def _toml_seeds() -> list[dict[str, bytes]]:
    experiment = find(EXPERIMENT)
    return [{"config.toml": to_toml(config).encode()} for config in (experiment.Config(), experiment.QUICK)]


def _toml_fault(folder: Path, config: Any) -> str | None:
    written = tomllib.loads((folder / "config.toml").read_text(encoding="utf-8-sig"))
    for name, value in written.items():
        own = getattr(config, name)
        if not agrees(own, value):
            return f"{name} is {own!r:.100}, in the file {value!r:.100}"
    return None


TARGETS = (
    Target(
        "demonstrations",
        lambda: [{"lines.jsonl": text} for text in (PAIRS, TEXTS)],
        {"lines.jsonl": mutate_lines},
        lambda folder: read_demonstrations(folder / "lines.jsonl"),
        _demonstration_fault,
    ),
    Target(
        "prompts",
        lambda: [{"prompt.txt": text} for text in PROMPTS],
        {"prompt.txt": mutate_bytes},
        _read_prompt,
        _prompt_fault,
    ),
    Target(
        "TOML",
        _toml_seeds,
        {"config.toml": mutate_bytes},
        lambda folder: read_config(find(EXPERIMENT), folder / "config.toml"),
        _toml_fault,
    ),
)
