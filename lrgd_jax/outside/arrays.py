"""Arrays from outside, checked against what is expected of their numbers, or one sentence about what is wrong."""

import numpy as np
from jaxtyping import Float, Int

__all__ = ["require_real", "require_whole"]

LARGEST = np.iinfo(np.int64).max


def require_whole(
    name: str, array: np.ndarray, *, count: int | None = None, least: int | None = None, most: int = LARGEST
) -> Int[np.ndarray, " n"]:
    """A row of whole numbers in a range.

    Args:
        name: of the array, which begins every error.
        array: any.
        count: how many numbers there must be; any unless given.
        least: the smallest that is allowed; any unless given.
        most: the largest.

    Returns:
        The numbers in 64 bits, shape [n].

    Raises:
        ValueError: it has another shape, other numbers, or one out of the range, which is named.

    Examples:
        >>> require_whole("items", np.array([2, 0], np.uint8), most=2).tolist()
        [2, 0]
        >>> require_whole("items", np.array([2, 7]), least=0, most=2)
        Traceback (most recent call last):
            ...
        ValueError: items: expected whole numbers from 0 to 2, got 7 at place 1
    """
    _require_shape(name, array, (count,))
    if array.dtype.kind not in "iu":
        raise ValueError(f"{name}: expected whole numbers, got {array.dtype}")
    wrong = array > most if least is None else (array < least) | (array > most)
    if wrong.any():
        place = int(np.argmax(wrong))
        allowed = f"of at most {most}" if least is None else f"from {least} to {most}"
        raise ValueError(f"{name}: expected whole numbers {allowed}, got {array[place]} at place {place}")
    return array.astype(np.int64)


def require_real(name: str, array: np.ndarray, shape: tuple[int | None, ...]) -> Float[np.ndarray, "..."]:
    """Finite numbers in a shape.

    Args:
        name: of the array, which begins every error.
        array: any.
        shape: what is expected, None where a size may be any.

    Returns:
        The array itself.

    Raises:
        ValueError: it has another shape, other numbers, or one that is infinite or none.

    Examples:
        >>> require_real("rates", np.array([1.0, np.nan]), (2,))
        Traceback (most recent call last):
            ...
        ValueError: rates: expected finite numbers, got nan at place 1
    """
    _require_shape(name, array, shape)
    if array.dtype.kind != "f":
        raise ValueError(f"{name}: expected numbers in floating point, got {array.dtype}")
    finite = np.isfinite(array)
    if not finite.all():
        place = int(np.argmin(finite))
        raise ValueError(f"{name}: expected finite numbers, got {array.flat[place]} at place {place}")
    return array


def _require_shape(name: str, array: np.ndarray, shape: tuple[int | None, ...]) -> None:
    fits = array.ndim == len(shape) and all(size in (None, own) for size, own in zip(shape, array.shape, strict=True))
    if not fits:
        expected = ", ".join("any" if size is None else str(size) for size in shape)
        raise ValueError(f"{name}: expected the shape [{expected}], got {list(array.shape)}")
