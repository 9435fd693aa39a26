"""Why an item was recommended, in one sentence."""

from collections import Counter

from lrgd_jax.recommend.serving.named_explanation import NamedExplanation

__all__ = ["explanation_title", "place_words", "why_sentence"]

NAMED = 2
"""How many items a reason names."""


def explanation_title(explanation: NamedExplanation) -> str:
    """What is explained, of an item that can be in the list and of one that the user has had."""
    if explanation.place is None:
        return f"What speaks for {explanation.item}, which user {explanation.user} has had already"
    return f"Why user {explanation.user} is shown {explanation.item}"


def place_words(explanation: NamedExplanation) -> str:
    """Where the item stands in the user's list."""
    return "had already, so in no list" if explanation.place is None else f"place {explanation.place}"


def why_sentence(explanation: NamedExplanation) -> str:
    """The kinds of reasons, the heaviest first, with their parts of the score.

    Examples:
        >>> from lrgd_jax.recommend.serving.named_explanation import NamedPart
        >>> parts = NamedPart("transition", "Bo", "atlas", ("atlas",), 3.0), NamedPart("popularity", "", "", (), 1.0)
        >>> why_sentence(NamedExplanation("Ada", "lamp", "b2", 1, 4.0, 4.0, 0.0, parts, (("Bo", 3.0),)))
        'Because 1 past user took it after what user Ada has had, above all atlas (75 %); it is popular (25 %).'
    """
    weights = Counter[str]()
    for part in explanation.parts:
        weights[part.source] += part.part  # pyright: ignore[reportArgumentType] (a Counter of numbers)
    kinds = [kind for kind, weight in sorted(weights.items(), key=lambda one: -abs(one[1])) if weight]
    if not kinds:
        return "Nothing speaks for it: nobody took it, and no text is like its own."
    shares = all(weights[kind] > 0 for kind in kinds)
    said = [f"{_words(explanation, kind)} ({_amount(weights[kind], explanation.total, shares)})" for kind in kinds]
    had = "It has been had already, so it is in no list. " if explanation.place is None else ""
    return f"{had}{'Its score is high or low because' if had else 'Because'} {'; '.join(said)}."


def _words(explanation: NamedExplanation, kind: str) -> str:
    if kind == "popularity":
        return "it is popular"
    own = [part for part in explanation.parts if part.source == kind]
    weights = Counter[str]()
    for part in own:
        for item in part.shared if kind == "transition" else (part.item,):
            weights[item] += part.part  # pyright: ignore[reportArgumentType] (a Counter of numbers)
    largest = " and ".join(item for item, _ in weights.most_common(NAMED))
    if kind == "text":
        return f"its text is like that of {largest}"
    users = len({part.user for part in own})
    several = f"{users} past user{'' if users == 1 else 's'}"
    return f"{several} took it after what user {explanation.user} has had, above all {largest}"


def _amount(weight: float, total: float, share: bool) -> str:
    return f"{100 * weight / total:.0f} %" if share else f"{weight:+.3g}"
