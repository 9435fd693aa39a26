"""Which demonstrations make a model answer as it does: explain.py MODEL."""

import sys
from pathlib import Path

from rich import print

from lrgd_jax import explain

explanation = explain(
    sys.argv[1],
    ["Tim had a red ball.", "Lily had a blue car.", "Ben had a big dog."],
    "Lily went to the park with the",
    " blue car.",
    by="layer",
)
print(explanation)
Path("page.html").write_text(explanation.html(), encoding="utf-8")
