"""Objects that show themselves: in one line of text anywhere, and as HTML in a notebook.

The method stands with the object, which may lie low in the order of floors. How it looks is written in `report`, which
knows all of these objects and is loaded, by its name, when the first of them is shown; so nothing here imports upwards.
"""

import dataclasses
import functools
import importlib

from lrgd_jax.outside.texts import show_controls

__all__ = ["HtmlDisplay", "field_texts", "one_screen", "short_repr"]

WRITER = "lrgd_jax.report.display"
"""The module that writes the HTML of every object."""

LONGEST = 60
"""Letters of a field that is no array."""

MOST_LINES, WIDEST = 40, 400
"""Lines of a text that is one screen, and letters of one of them."""


class HtmlDisplay:
    """What a notebook shows as HTML; `lrgd_jax.report.display` must know how each kind looks.

    Examples:
        >>> from lrgd_jax.claims.claim_template import claim
        >>> isinstance(claim, HtmlDisplay), claim._repr_html_().startswith('<div class="lrgd">')
        (True, True)
    """

    __slots__ = ()

    def _repr_html_(self) -> str:
        return importlib.import_module(WRITER).display_html(self)


def one_screen(text: str) -> str:
    r"""A text of which no line and not the whole is too long to be read, and which acts on no terminal.

    Args:
        text: of several lines.

    Examples:
        >>> len(one_screen("x" * 10_000)), one_screen("a\nb")
        (400, 'a\nb')
    """
    lines = [line if len(line) <= WIDEST else line[: WIDEST - 1] + "…" for line in show_controls(text).split("\n")]
    return "\n".join(lines if len(lines) <= MOST_LINES else [*lines[: MOST_LINES - 1], "…"])


def short_repr(shown: object) -> str:
    """A dataclass in one line: arrays by format and shape, functions by name; what is None is left out.

    Args:
        shown: an instance of a dataclass.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel
        >>> short_repr(DualModel.untrained(jnp.ones((4, 3)), jnp.ones((4, 1))))[:60]
        'DualModel(initial_weights=float32[1,3], inputs=float32[4,3],'
    """
    return f"{type(shown).__name__}({', '.join(f'{name}={text}' for name, text in field_texts(shown).items())})"


def field_texts(shown: object) -> dict[str, str]:
    """The fields of a dataclass that are not None, each in a few words.

    Args:
        shown: an instance of a dataclass.

    Examples:
        >>> from lrgd_jax.features import identity
        >>> from lrgd_jax.kernels import ExponentialKernel
        >>> field_texts(ExponentialKernel(scale=0.5))
        {'scale': '0.5', 'shift': '0.0', 'capped': 'False'}
    """
    fields = dataclasses.fields(shown) if dataclasses.is_dataclass(shown) else ()
    values = {field.name: getattr(shown, field.name) for field in fields}
    return {name: _text(value) for name, value in values.items() if value is not None}


def _text(value: object) -> str:
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if shape is not None and dtype is not None:
        return f"{dtype}[{','.join(map(str, shape))}]"
    function = value.func if isinstance(value, functools.partial) else value
    # a loss that another function made is known by the name of that one
    name = str(getattr(function, "__qualname__", None) or repr(value)).split(".<locals>")[0]
    text = show_controls(" ".join(name.split()))
    return text if len(text) <= LONGEST or isinstance(value, HtmlDisplay) else text[: LONGEST - 1] + "…"
