"""What a checkpoint is and needs, as a table for a terminal."""

from rich.table import Table

from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.inspection import Greedy, Inspection
from lrgd_jax.report.plain_text import plain

__all__ = ["inspection_table"]


def inspection_table(inspection: Inspection, greedy: Greedy | str) -> Table:
    """Two columns: what is asked of a checkpoint, and what it answers.

    Args:
        inspection: of the checkpoint.
        greedy: what it made of a text, or why none was tried.
    """
    config = inspection.config
    stored = ", ".join(f"{count} {kind}" for kind, count in sorted(inspection.stored.items()))
    rows = {
        "checkpoint": f"{inspection.path} ({inspection.form}, {_bytes(inspection.file_bytes)})",
        "family": inspection.family,
        "size": f"{inspection.parameters:,} numbers; {config.layers} layers of width {config.width}, "
        f"{config.heads} heads ({config.kv_heads} of keys and values) of width {config.head_width}",
        "vocabulary": f"{config.vocab_size:,} tokens, context {_context(config)}",
        "stored as": stored,
        "memory": f"{_bytes(inspection.memory())} in float32, {_bytes(inspection.memory('bfloat16'))} in bfloat16; "
        f"{inspection.cache():,} bytes a token for keys and values",
        "tokenizer": inspection.tokenizer,
        "template": inspection.template,
        "not used": ", ".join(inspection.unused) or "nothing: every setting is",
        "greedy text": greedy if isinstance(greedy, str) else _greedy(greedy),
    }
    table = Table("what", "here", show_lines=False)
    table.columns[0].no_wrap = True
    for name, text in rows.items():
        table.add_row(name, plain(text))
    return table


def _greedy(greedy: Greedy) -> str:
    verdict = "plausible" if greedy.plausible else "not plausible: no better than guessing"
    return (
        f"{verdict} ({greedy.loss:.2f} nats a token, {greedy.guessing:.2f} by guessing); "
        f"{greedy.text[-30:]!r} goes on {greedy.continuation!r}"
    )


def _context(config: DecoderConfig) -> str:
    longer = "" if config.beyond is None else f", {config.beyond.context_length:,} with frequencies of long texts"
    return f"{config.context_length:,}{longer}"


def _bytes(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
