"""An explanation in names: which past users and transitions, which similar texts, and how much of it popularity is."""

from dataclasses import dataclass

from lrgd_jax.display import HtmlDisplay
from lrgd_jax.recommend.effect.score_explanation import ScoreExplanation
from lrgd_jax.recommend.serving.name_lookup import number_of
from lrgd_jax.recommend.serving.recommender import Recommender

__all__ = ["NamedExplanation", "NamedPart", "explain_by_name"]


@dataclass(frozen=True)
class NamedPart:
    """One part of a score.

    Attributes:
        source: "transition", "text" or "popularity".
        user: whose transition it was; empty for the others.
        item: what that user had just before, or the item of the own history whose text is similar.
        shared: the items of the own history that the transition's history holds too.
        part: part of the score.
    """

    source: str
    user: str
    item: str
    shared: tuple[str, ...]
    part: float


@dataclass(frozen=True)
class NamedExplanation(HtmlDisplay):
    """Why a user is shown an item.

    Attributes:
        user: who.
        item: the item's title, or its name where it has none.
        name: name of the item.
        place: place of the item in the user's list, from 1; None where the user has had it.
        score: as the recommender computes it.
        total: sum of all parts.
        bound: how far the two may be apart by rounding.
        parts: all of them, the largest first.
        users: past users and the sums of their transitions' parts, the largest first.
    """

    user: str
    item: str
    name: str
    place: int | None
    score: float
    total: float
    bound: float
    parts: tuple[NamedPart, ...]
    users: tuple[tuple[str, float], ...]

    def content(self) -> dict[str, object]:
        """For a JSON file."""
        parts = [
            {"source": x.source, "user": x.user, "item": x.item, "shared": list(x.shared), "part": x.part}
            for x in self.parts
        ]
        users = [{"user": user, "part": part} for user, part in self.users]
        single = {name: getattr(self, name) for name in ("user", "item", "name", "place", "score", "total", "bound")}
        return {**single, "parts": parts, "users": users}


def explain_by_name(recommender: Recommender, user: str, item: str, time: int | None = None) -> NamedExplanation:
    """Explains a score and puts names to its parts.

    Raises:
        ValueError: an unknown user or item.
        NotImplementedError: a form whose answer is no sum over demonstrations.
    """
    explanation = recommender.explain(user, item, time)
    names, catalogue = list(recommender.memory.histories), recommender.catalogue
    owners, sums = explanation.by_user(recommender.model.demonstrations.users)
    return NamedExplanation(
        user=user,
        item=catalogue.title(explanation.item),
        name=item,
        place=_place(recommender, user, item, time),
        score=explanation.score,
        total=explanation.total,
        bound=explanation.bound,
        parts=tuple(sorted(_parts(recommender, explanation, names), key=lambda reason: -reason.part)),
        users=tuple((names[owner], float(part)) for owner, part in zip(owners, sums, strict=True)),
    )


def _parts(recommender: Recommender, explanation: ScoreExplanation, names: list[str]) -> list[NamedPart]:
    catalogue, demonstrations = recommender.catalogue, recommender.model.demonstrations
    own = set(explanation.history.tolist())
    parts = [NamedPart("popularity", "", "", (), explanation.popularity)]
    for item, part in zip(explanation.history.tolist(), explanation.similar.tolist(), strict=True):
        if part:
            parts.append(NamedPart("text", "", catalogue.title(item), (), part))
    for number, part in zip(explanation.demonstrations.tolist(), explanation.contributions.tolist(), strict=True):
        start, end = demonstrations.keys.indptr[number : number + 2]
        shared = [item for item in demonstrations.keys.indices[start:end].tolist() if item in own]
        before = catalogue.title(int(demonstrations.previous[number]))
        named = tuple(catalogue.title(item) for item in shared)
        parts.append(NamedPart("transition", names[demonstrations.users[number]], before, named, part))
    return parts


def _place(recommender: Recommender, user: str, item: str, time: int | None) -> int | None:
    listed = recommender.recommend(user, len(recommender.catalogue), time=time).items.tolist()
    number = number_of("item", item, recommender.item_numbers)
    return listed.index(number) + 1 if number in listed else None
