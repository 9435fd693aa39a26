"""An example of every command, at the end of its help, and where to begin."""

from collections.abc import Mapping
from types import MappingProxyType

import typer

__all__ = ["BEGIN", "EXAMPLES", "add_examples"]

BEGIN = """\
In-context learning as gradient descent: attention beside its dual, every claim checked.

  lrgd claims softmax-attention    read a claim with its proof
  lrgd verify softmax-attention    check it, in less than a minute
  lrgd new claim my-claim          write a claim of your own, and check it
  lrgd doctor                      what is here, and what is missing for what

lrgd --help lists all commands, lrgd COMMAND --help says what one does, with an example."""
"""What `lrgd` alone says."""

DATA_CSV = "lrgd data import csv ratings.csv shop --user customer --item product --time date --titles titles.csv"
CAPITALS = "--demonstrations capitals.jsonl --query France"

EXAMPLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "claims": ("lrgd claims", "lrgd claims softmax-attention"),
        "verify": (
            "lrgd verify softmax-attention --dtype float64,float32",
            "lrgd verify --group attention --exact --json verdicts.json --certificates certificates",
        ),
        "certify": ("lrgd certify mine.py:fast mine.py:slow --shapes 'q:d=4; k:n=6,d; v:n,dv=3'",),
        "gradient": ("lrgd gradient mine.py:delta --wrt S --shapes 'S:dv=2,dk=2; k:dk; v:dv'",),
        "recheck": ("lrgd recheck certificates",),
        "explain": (
            f"lrgd explain --model smollm2 {CAPITALS} --html page.html",
            f"lrgd explain --model model.gguf {CAPITALS} --target Paris --against Rome",
        ),
        "experiment": (
            "lrgd experiment contexts --quick --out runs/contexts",
            "lrgd experiment contexts --out runs/contexts --resume",
        ),
        "train": ("lrgd train unseen-catalogue --data games --out runs/games --quick",),
        "plot": ("lrgd plot runs/contexts --format svg",),
        "report": (
            "lrgd report softmax-attention --out report.html",
            "lrgd report --verdicts verdicts.json --results runs --latex tables --out report.html",
        ),
        "doctor": ("lrgd doctor", "lrgd doctor --json here.json"),
        "model inspect": ("lrgd model inspect smollm2", "lrgd model inspect model.gguf --no-weights"),
        "new claim": ("lrgd new claim my-claim --group attention",),
        "data import amazon-reviews": (
            "lrgd data import amazon-reviews reviews.json.gz office --metadata metadata.json.gz",
        ),
        "data import csv": (DATA_CSV,),
        "data import sequences": ("lrgd data import sequences histories.txt shop",),
        "data generate": ("lrgd data generate shop --users 600 --items 300 --seed 1",),
        "data show": ("lrgd data show shop",),
        "recommend fit": ("lrgd recommend fit --data shop --out model.npz",),
        "recommend evaluate": ("lrgd recommend evaluate --data shop --split test --baseline --json result.json",),
        "recommend learn": ("lrgd recommend learn --data shop --steps 120 --json meta.json",),
        "recommend explain": ("lrgd recommend explain --model model.npz --user Ada --item lamp --html page.html",),
        "recommend query": ("lrgd recommend query --model model.npz --user Ada -k 5",),
        "recommend lists": ("lrgd recommend lists --model model.npz --out lists.parquet -k 10",),
        "recommend with-model": ("lrgd recommend with-model smollm2 --data shop --user Ada",),
        "recommend update": ("lrgd recommend update --model model.npz --user Ada --item lamp --item tent",),
        "recommend erase": ("lrgd recommend erase --model model.npz --user Ada",),
        "recommend add-item": ("lrgd recommend add-item --model model.npz --item stove --title 'A small stove'",),
        "recommend compact": ("lrgd recommend compact --model model.npz",),
    }
)
"""By the words of a command; a test parses each."""


def add_examples(group: typer.Typer, before: str = "") -> None:
    """Puts the examples above what the help of every command of a group ends with.

    Args:
        group: of commands and groups.
        before: the words that lead to it.
    """
    for command in group.registered_commands:
        name = command.name or str(getattr(command.callback, "__name__", "")).replace("_", "-")
        lines = [f"Example: {example}" for example in EXAMPLES.get(f"{before}{name}", ())]
        command.epilog = "\n\n".join([*lines, *([command.epilog] if command.epilog else [])])
    for inner in group.registered_groups:
        if inner.typer_instance is not None:
            add_examples(inner.typer_instance, f"{before}{inner.name or inner.typer_instance.info.name} ")
