"""Saved recommenders: written whole, read with what their logs say, opened to go on, and compacted."""

import contextlib
from pathlib import Path

from lrgd_jax.atomic import atomic_write
from lrgd_jax.locks import hold, release
from lrgd_jax.outside.digests import file_digest
from lrgd_jax.recommend.data.dataset import Catalogue
from lrgd_jax.recommend.serving.archive import read_archive, write_archive
from lrgd_jax.recommend.serving.recommender import Recommender
from lrgd_jax.recommend.serving.update_log import UpdateLog, log_of

__all__ = [
    "compact_recommender",
    "load_recommender",
    "open_recommender",
    "require_no_log",
    "save_recommender",
]

TRIES = 3
"""How often a file is read again that another process has replaced meanwhile."""


def save_recommender(recommender: Recommender, file: Path) -> None:
    """Writes a recommender, whole or not at all.

    The sums are not stored: they are exact, and come out the same from the histories.

    Args:
        recommender: a fitted one.
        file: is replaced if it is there.

    Raises:
        ValueError: it was never fitted, or a log of updates lies beside the file that would be replaced.
        OSError: the file cannot be written.

    Examples:
        >>> import tempfile
        >>> from lrgd_jax.recommend import Sequences
        >>> past = Sequences.from_lists([[0, 1], [0, 2], [0, 1]])
        >>> recommender = Recommender(Catalogue(("atlas", "lamp", "tent"))).fit(past, ["Ada", "Bo", "Cy"])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_recommender(recommender, Path(folder) / "shop.npz")
        ...     again = load_recommender(Path(folder) / "shop.npz")
        >>> list(again.memory.histories), again.meta == recommender.meta
        (['Ada', 'Bo', 'Cy'], True)
    """
    require_no_log(file)
    with atomic_write(file) as written:
        write_archive(recommender, written)


def require_no_log(file: Path) -> None:
    """Raises an error where a log of updates lies beside a file, which another file in its place would not hold.

    Raises:
        ValueError: there is one.
    """
    if (log := log_of(file)).exists():
        raise ValueError(
            f"{log} has updates of the recommender that lies at {file} now, and a new one in its place would lose "
            "them; give another name, or move the log away"
        )


def load_recommender(file: Path, catalogue: Catalogue | None = None) -> Recommender:
    """Reads what `save_recommender` wrote, and what was written into the log beside it since.

    What happens to it from now on stays with the caller; `Recommender.open` keeps it.

    Args:
        file: the file.
        catalogue: the one that it must be of; any unless given.

    Returns:
        The recommender, whose scores are those of the one that was saved, bit by bit.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it or its log is damaged, it is no recommender, or one of another catalogue.

    Examples:
        >>> load_recommender(Path("absent.npz"))
        Traceback (most recent call last):
            ...
        FileNotFoundError: there is no file absent.npz; write one by `lrgd recommend fit --out absent.npz`
    """
    _require_file(file)
    if not log_of(file).exists():
        return read_archive(file, catalogue)
    with contextlib.closing(UpdateLog(log_of(file))) as log:
        return _follow(file, log, catalogue, keep=False)


def open_recommender(file: Path, catalogue: Catalogue | None = None) -> Recommender:
    """See `Recommender.open`."""
    _require_file(file)
    log = UpdateLog(log_of(file), new=True)
    try:
        return _follow(file, log, catalogue, keep=True)
    except BaseException:
        log.close()
        raise


def compact_recommender(recommender: Recommender) -> None:
    """See `Recommender.compact`."""
    log = recommender.log
    file = log.file.with_suffix("")
    hold(file)
    try:
        with atomic_write(file) as written, log.turn():
            held = recommender.catch_up()
            write_archive(recommender, written)
            digest = file_digest(written)
            # before the file gets its name: from then on the log must know it
            log.accept(digest, held)
        with log.turn():
            log.forget_before(digest)
        log.empty_journal()
    finally:
        release(file)


def _require_file(file: Path) -> None:
    if not file.is_file():
        raise FileNotFoundError(f"there is no file {file}; write one by `lrgd recommend fit --out {file}`")


def _follow(file: Path, log: UpdateLog, catalogue: Catalogue | None, *, keep: bool) -> Recommender:
    """The recommender of a file after all that its log says; another process may replace the file meanwhile."""
    for _ in range(TRIES):
        digest = file_digest(file)
        recommender = read_archive(file, catalogue)
        if file_digest(file) == digest and (held := log.started_by(digest, first=keep)) is not None:
            return recommender.follow(log, held, keep=keep)
    raise ValueError(
        f"{log.file} is the log of another recommender than {file} is now; give the one that it belongs to, or move "
        "the log away"
    )
