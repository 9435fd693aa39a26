"""The table of what bfloat16 and float16 lose."""

from lrgd_jax.experiments.shared.markdown import shown_number, table


def narrow_format_tables(summary):
    """A row a form, feature map and position; in each format the largest error, its bound, and that of the dual."""
    rows = {}
    for entry in summary["rows"]:
        rows.setdefault(entry["name"], {})[entry["format"]] = entry
    scales = summary["setting"]["scales"]
    return [
        *table(
            [
                "",
                *(f"{name}: {kind}" for name in ("bfloat16", "float16") for kind in ("error", "bound", "dual")),
                "bfloat16 before",
            ],
            [
                [
                    name,
                    *(cell for dtype in ("bfloat16", "float16") for cell in _cells(formats[dtype])),
                    _before(formats["bfloat16"], len(scales)),
                ]
                for name, formats in rows.items()
            ],
        ),
        *_exceptions(summary),
    ]


def _cells(entry):
    bound = entry["bound"]
    says_nothing = isinstance(bound, str) or bound >= 1
    return _number(entry["error"]), "none" if says_nothing else _number(bound), _number(entry["dual"])


def _number(x):
    return "–" if x is None else shown_number(x, 2)


def _before(entry, scales):
    before = entry.get("before")
    if before is None:
        return "–"
    lost = len(before["not finite"])
    return _number(before["error"]) + (f", not finite at {lost} of {scales}" if lost else "")


def _exceptions(summary):
    """Where there is no error to show, and why."""
    words = {
        "no value": "float64 has no value either",
        "out of range": "every output is beyond the format's range, and comes out infinite",
        "not finite": "the features of a query vanish in float32 and not in float64; a warning says so",
        "dual far off": "the weights $e^{-m\\,\\text{age}}$ of old tokens leave float32's range, as do logits",
    }
    lines = []
    for word, why in words.items():
        where = [
            f"{entry['name']} in {entry['format']} at {', '.join(map(_power, entry[word]))}"
            for entry in summary["rows"]
            if entry[word]
        ]
        if where:
            lines += [f"- **{word}** ({why}): " + "; ".join(where) + "."]
    return [*lines, ""]


def _power(scale):
    return f"$2^{{{round(scale).bit_length() - 1 if scale >= 1 else 1 - round(1 / scale).bit_length()}}}$"
