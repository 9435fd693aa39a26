"""The few numbers that say how histories become keys and how much popularity and texts weigh."""

from dataclasses import dataclass, replace

from lrgd_jax.recommend.forms.history_keys import HistoryKeys, require_power

__all__ = ["ORDERED", "PLAIN", "TIMED", "Meta"]


@dataclass(frozen=True)
class Meta:
    r"""Meta-parameters; everything else is read from the demonstrations.

    Attributes:
        decay: gamma inside the demonstrations' keys.
        query_decay: gamma inside the present user's key.
        key_scaling: alpha; keys are divided by their length to this power.
        target_scaling: beta; targets are divided by how often they were taken to this power.
        feature_scaling: delta; the query's items likewise.
        popularity: w, of the counts in $W_0$.
        similarity: tau, of the texts in $W_0$.
        window: the latest items of a history that count.

    Raises:
        ValueError: a scaling is no power to which float64 can raise counts.

    Examples:
        >>> Meta(decay=0.5, window=2).keys()
        HistoryKeys(decay=0.5, scaling=0.24, window=2)
        >>> Meta(query_decay=0.9).query_keys().scaling
        0.0
    """

    decay: float = 0.84
    query_decay: float = 0.59
    key_scaling: float = 0.24
    target_scaling: float = 0.09
    feature_scaling: float = -0.07
    popularity: float = 0.0034
    similarity: float = 1.6
    window: int = 50

    def __post_init__(self) -> None:
        for name in ("key_scaling", "target_scaling", "feature_scaling"):
            require_power(name, getattr(self, name))

    def keys(self) -> HistoryKeys:
        """How the demonstrations' histories become keys."""
        return HistoryKeys(self.decay, self.key_scaling, self.window)

    def query_keys(self) -> HistoryKeys:
        """How the present user's history becomes a query; its length scales all scores alike, so it is kept."""
        return HistoryKeys(self.query_decay, 0.0, self.window)


ORDERED = Meta()
"""Where only the order of interactions is known: found on the validation queries of Amazon Beauty, days as stored.

By `lrgd recommend learn --ties as-stored --plain --batches 8 --data ../shared/data/amazon_beauty`, rounded.
"""

PLAIN = Meta(0.8, 0.6, 0.5, 0.25, 0.25, 0.003, 0.5)
"""Round numbers set by hand, from which learning can start."""

TIMED = replace(
    ORDERED,
    decay=0.77,
    query_decay=0.71,
    key_scaling=-0.41,
    target_scaling=0.03,
    feature_scaling=0.22,
    popularity=0.0091,
    similarity=1.18,
)
"""Where times are known, and every query sees what came before it only.

The mean over three Amazon catalogues (CDs, office, industrial) of what two rounds of `learn_meta` found on their
validation queries, rounded. A scaling below zero lets the keys of long histories count more.
"""
