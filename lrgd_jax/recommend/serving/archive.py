"""One file of a recommender: its catalogue, its histories and its rates, as NumPy arrays; never a pickle."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from jaxtyping import Float

from lrgd_jax.outside.archives import read_npz
from lrgd_jax.outside.arrays import require_real, require_whole
from lrgd_jax.outside.convert import convert, convert_record, cut_text
from lrgd_jax.outside.json_files import parse_json
from lrgd_jax.recommend.data.dataset import Catalogue
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.forms.meta_parameters import Meta
from lrgd_jax.recommend.serving.recommender import Recommender
from lrgd_jax.tracebacks import first_sentence

__all__ = ["fingerprint", "read_archive", "write_archive"]

FORMAT = "lrgd-recommender-1"


class Description(TypedDict):
    """What a file says in words."""

    format: str
    form: str
    options: dict[str, int | float]
    meta: dict[str, object]
    fingerprint: str
    users: list[str]
    names: list[str]
    titles: list[str] | None


def fingerprint(catalogue: Catalogue) -> str:
    """A digest of the items' names in their order: two catalogues with one fingerprint number their items alike."""
    return hashlib.sha256(json.dumps(catalogue.names).encode()).hexdigest()


def write_archive(recommender: Recommender, file: Path) -> None:
    """Writes a recommender into a file; see `save_recommender`.

    Raises:
        ValueError: it was never fitted.
        OSError: the file cannot be written.
    """
    memory, catalogue = recommender.memory, recommender.catalogue
    sequences = memory.sequences()
    described = {
        "format": FORMAT,
        "form": recommender.form,
        "options": recommender.options,
        "meta": asdict(recommender.meta),
        "fingerprint": fingerprint(catalogue),
        "users": list(memory.histories),
        "names": catalogue.names,
        "titles": catalogue.titles,
    }
    arrays: dict[str, Any] = {"starts": sequences.starts, "items": sequences.items, "rates": memory.rates()}
    if sequences.times is not None:
        arrays["times"] = sequences.times
    elif sequences.moments is not None:
        arrays["moments"] = sequences.moments
    # files of before baskets lack it, and in them the order counts
    arrays["ordered"] = np.array([int(sequences.ordered)])
    if catalogue.vectors is not None:
        arrays["vectors"] = catalogue.vectors
    text = np.frombuffer(json.dumps(described).encode(), np.uint8)
    with file.open("wb") as stream:
        np.savez_compressed(stream, described=text, **arrays)


def read_archive(file: Path, catalogue: Catalogue | None) -> Recommender:
    """Reads a recommender as it was written; see `load_recommender`.

    Raises:
        ValueError: the file is damaged, no recommender, or one of another catalogue.
    """
    described, arrays = _read(file)
    for name in ("starts", "items", "rates"):
        if name not in arrays:
            raise ValueError(f"{file} lacks a part of a recommender ({name}); write it anew")
    return _restore(file, described, arrays, catalogue)


def _restore(
    file: Path, described: Description, arrays: dict[str, np.ndarray], catalogue: Catalogue | None
) -> Recommender:
    try:
        sequences, rates = _check(described, arrays)
        own = Catalogue(tuple(described["names"]), _tuple_of_titles(described["titles"]), arrays.get("vectors"))
    except ValueError as error:
        raise ValueError(f"{file} is damaged ({error}); write it anew") from None
    if described["fingerprint"] != fingerprint(own):
        raise ValueError(f"{file} is damaged: its items are not those that it was written with")
    if catalogue is not None and fingerprint(catalogue) != described["fingerprint"]:
        raise ValueError(
            f"{file} is of another catalogue ({len(own)} items) than the data ({len(catalogue)} items); "
            "fit anew on these data, or give those that it was fitted on"
        )
    meta = convert_record(described["meta"], Meta, where=f"{file}: meta")
    try:
        return Recommender(own, meta, described["form"], described["options"]).fit(sequences, described["users"], rates)
    # OverflowError: a whole number that no array holds
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{file} holds no recommender that can be ({cut_text(str(error))}); write it anew") from None


def _check(described: Description, arrays: dict[str, np.ndarray]) -> tuple[Sequences, Float[np.ndarray, " m"]]:
    """The histories and their rates, where all arrays fit each other and the names."""
    count, names = len(arrays["items"].reshape(-1)), len(described["names"])
    starts = require_whole("starts", arrays["starts"], count=len(described["users"]) + 1, least=0, most=count)
    if starts[0] != 0 or starts[-1] != count or (np.diff(starts) < 0).any():
        raise ValueError(f"starts: expected numbers that go up from 0 to {count}, the number of items")
    items = require_whole("items", arrays["items"], least=0, most=names - 1)
    times, moments = (
        require_whole(name, arrays[name], count=count) if name in arrays else None for name in ("times", "moments")
    )
    ordered = "ordered" not in arrays or bool(require_whole("ordered", arrays["ordered"], count=1, least=0, most=1)[0])
    sequences = Sequences(starts, items, times, moments, ordered)
    for name, known in (("times", times), ("moments", moments)):
        if known is not None and ((np.diff(known) < 0) & (np.diff(sequences.owners) == 0)).any():
            raise ValueError(f"{name}: expected numbers that do not go back within a user's history")
    if "vectors" in arrays:
        require_real("vectors", arrays["vectors"], (names, None))
    titles = described["titles"]
    if titles is not None and len(titles) != names:
        raise ValueError(f"titles: expected one for each of {names} items, got {len(titles)}")
    return sequences, require_real("rates", arrays["rates"], (count,))


def _read(file: Path) -> tuple[Description, dict[str, np.ndarray]]:
    try:
        arrays = read_npz(file, what="recommender")
        described = parse_json(arrays.pop("described").tobytes(), object, where="its description")
    except (ValueError, KeyError) as error:
        raise ValueError(f"{file} cannot be read as a recommender: {_reason(file, error)}; write it anew") from None
    if not isinstance(described, dict) or described.get("format") != FORMAT:
        raise ValueError(f"{file} is no recommender of the format {FORMAT}; write it anew by `lrgd recommend fit`")
    try:
        return convert(described, Description, where="its description"), arrays
    except ValueError as error:
        raise ValueError(f"{file} lacks a part of a recommender ({error}); write it anew") from None


def _reason(file: Path, error: Exception) -> str:
    return first_sentence(str(error)).removeprefix(f"{file} cannot be read as a recommender: ")


def _tuple_of_titles(titles: list[str] | None) -> tuple[str, ...] | None:
    return None if titles is None else tuple(titles)
