"""How large a catalogue may be before an items by items array must be asked for."""

__all__ = ["LARGEST_DENSE", "require_dense_square"]

LARGEST_DENSE = 8000
"""Items of the largest catalogue for which an items by items array is made without being asked for (half a GiB)."""


def require_dense_square(what: str, items: int, allowed: bool) -> None:
    """Refuses an items by items array that nobody asked for.

    Raises:
        ValueError: the catalogue is large and dense arrays are not allowed.
    """
    if items > LARGEST_DENSE and not allowed:
        raise ValueError(
            f"{what} needs {items} x {items} numbers ({items * items * 8 / 2**30:.1f} GiB) at once; "
            "give allow_dense=True if that is wanted, or take the linear form"
        )
