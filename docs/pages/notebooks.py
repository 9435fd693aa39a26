"""A page a notebook: its text, its code, and the outputs that it was kept with."""

import base64
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def notebook_pages(folder):
    """The pages by file name; pictures are written into the folder at once."""
    pages = {}
    for file in sorted((ROOT / "notebooks").glob("*.ipynb")):
        page = []
        for number, cell in enumerate(json.loads(file.read_text())["cells"]):
            source = "".join(cell["source"])
            if cell["cell_type"] == "markdown":
                page += [source, ""]
                continue
            page += ["```python", source, "```", ""]
            for output in cell["outputs"]:
                page += shown(output, folder / f"{file.stem}-{number}.png")
        pages[f"{file.stem}.md"] = "\n".join(page)
    return pages


def shown(output, picture):
    """One output of a cell: its HTML where it has some, else its picture, else its text."""
    data = output.get("data", {})
    if "text/html" in data:
        return ["".join(data["text/html"]), ""]
    if "image/png" in data:
        picture.write_bytes(base64.b64decode("".join(data["image/png"])))
        return [f"![output of the cell above]({picture.name})", ""]
    text = "".join(output.get("text") or data.get("text/plain") or "")
    return ["```text", text.rstrip(), "```", ""]
