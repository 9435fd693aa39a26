"""What the demonstrations of a prompt are worth, as an object that shows itself: in a notebook, a terminal, a file."""

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

import jax
import numpy as np
from rich.console import Group

from lrgd_jax import __version__
from lrgd_jax.decoder import LoadedDecoder, load_decoder
from lrgd_jax.effect.answer import ANSWER, tokenizer_of
from lrgd_jax.effect.demonstrations import Demonstration
from lrgd_jax.effect.explain import check_method, explain_prompt
from lrgd_jax.effect.interactions import check_interactions
from lrgd_jax.effect.methods import METHODS, names_in_nats
from lrgd_jax.effect.prompt import Prompt, few_shot
from lrgd_jax.effect.prompt_attribution import PromptAttribution, TokenProbability
from lrgd_jax.effect.template import Template
from lrgd_jax.report.explanation_html import explanation_html
from lrgd_jax.report.explanation_tables import explanation_tables
from lrgd_jax.report.html import page

__all__ = ["Explanation", "explain"]


@dataclass(frozen=True, repr=False)
class Explanation:
    """What the demonstrations of a prompt are worth, which a notebook shows as HTML and a terminal as tables.

    Attributes:
        model: its name.
        attribution: the numbers.
        by: whether HTML and tables show parts by layer or by head too; tables show none unless given.
    """

    model: str
    attribution: PromptAttribution
    by: Literal["layer", "head"] | None = None

    def table(self) -> Group:
        """Tables for a terminal, as rich prints them."""
        return Group(*explanation_tables(self.model, self.attribution, self.by))

    def html(self) -> str:
        """A whole page of HTML that needs no network, script or font."""
        body = explanation_html(self.model, self.attribution, self.by or "layer")
        return page(f"What each demonstration is worth: {self.model}", body)

    def to_dict(self) -> dict[str, Any]:
        """All numbers, as JSON holds them; `heads` only where parts by head were asked for."""
        attribution = self.attribution
        heads = {"heads": _list_or_none(attribution.heads)} if self.by == "head" else {}
        return {
            "version": __version__,
            "model": self.model,
            "method": attribution.method,
            "method_in_words": attribution.scores.method,
            "unit": _unit(attribution),
            "demonstrations": [self._one(i) for i in range(len(attribution.prompt.demonstrations))],
            "query": attribution.prompt.query,
            "answer": attribution.prompt.answer,
            "own_answer": attribution.own,
            "against": None if attribution.contrast is None else attribution.contrast.answer,
            "tokens": len(attribution.prompt.tokens),
            "zero_shot": attribution.zero_shot,
            "few_shot": attribution.few_shot,
            "effect": attribution.relative,
            "completeness_gap": attribution.gap,
            "forward_passes": attribution.scores.cost,
            "probabilities": [_probability(one) for one in attribution.target],
            "probabilities_against": None
            if attribution.contrast is None
            else [_probability(one) for one in attribution.contrast.tokens],
            "alternatives": [_probability(one) for one in attribution.alternatives],
            "layers": _list_or_none(attribution.layers),
            **heads,
            "interactions": _list_or_none(
                None if attribution.interactions is None else attribution.interactions.values
            ),
            "notes": list(attribution.notes),
            "seconds": dict(attribution.seconds),
        }

    def to_json(self) -> str:
        """The numbers of `to_dict` as JSON text, which ends in a newline."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False, ensure_ascii=False) + "\n"

    def _one(self, i: int) -> dict[str, Any]:
        attribution = self.attribution
        interval = attribution.scores.interval
        ends = {} if interval is None else {"lower": float(interval.lower[i]), "upper": float(interval.upper[i])}
        return {
            "text": attribution.prompt.demonstrations[i],
            "tokens": int(attribution.prompt.counts()[i]),
            "score": float(attribution.scores.values[i]),
            "share": None if attribution.shares is None else float(attribution.shares[i]),
            "rank": int(np.argsort(attribution.ranking)[i]) + 1,
            **ends,
        }

    def _repr_html_(self) -> str:
        # a notebook that runs again should not change, so it is told no times
        untimed = replace(self.attribution, seconds=MappingProxyType({}))
        return explanation_html(self.model, untimed, self.by or "layer")

    def __repr__(self) -> str:
        scores = ", ".join(
            f"{i + 1}: {self.attribution.scores.values[i]:+.3g}" for i in self.attribution.ranking.tolist()
        )
        return f"Explanation({self.model}, {self.attribution.scores.method}; demonstration {scores})"

    def __rich__(self) -> Group:
        return self.table()


def explain(
    model: str | os.PathLike[str] | LoadedDecoder,
    demonstrations: Sequence[Demonstration],
    query: str,
    target: str | None = None,
    *,
    against: str | None = None,
    method: str | None = None,
    interactions: bool = False,
    template: Template | None = None,
    chat: bool = False,
    preamble: str = "",
    answer_tokens: int = ANSWER,
    by: Literal["layer", "head"] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Explanation:
    r"""Which demonstrations make a model answer as it does: each one's part of the fall of the answer's loss.

    With $N$ demonstrations the loss of the answer falls from zero-shot to few-shot; the scores $s_i$ of the default
    method share that fall among them, $\sum_i s_i \approx L_0 - L_N$, and the completeness gap says how nearly.

    Args:
        model: what `lrgd_jax.decoder.load_decoder` takes, or what it returned.
        demonstrations: texts, or pairs of input and output.
        query: a text, or the input whose output is asked for.
        target: the answer that is explained; the model's own unless given.
        against: another answer: what is explained is the logarithm of the odds of the target against it, in nats of
            the whole answers, whatever their lengths; of the methods in nats alone.
        method: a name in `lrgd_jax.effect.methods.METHODS`, its `DEFAULT` unless given.
        interactions: add what each pair of demonstrations does together beyond what both do apart.
        template: of pairs; `Template()` unless given.
        chat: write the prompt as ChatML.
        preamble: what stands before the demonstrations and is always seen.
        answer_tokens: the most tokens of an own answer.
        by: whether parts by layer or by head are shown.
        progress: called with the name of each stage.

    Raises:
        FileNotFoundError: the model is not there.
        ValueError: the model cannot be read, the prompt cannot be made, the method is unknown, or an answer is compared
            with itself, or without a target; see
            `lrgd_jax.decoder.load_decoder`, `lrgd_jax.effect.few_shot` and `explain_prompt`.

    Examples:
        >>> from lrgd_jax import explain
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> explanation = explain(tiny_decoder(), ["a 1", "b 2"], "c", " 3")
        >>> explanation.attribution.scores.values.shape
        (2,)
    """
    check_method(method)
    if by not in (None, "layer", "head"):
        raise ValueError(f'by must be "layer" or "head", got {by!r}')
    _check_against(target, against, method)
    if interactions:
        check_interactions(len(demonstrations))
    started = time.perf_counter()
    if isinstance(model, LoadedDecoder):
        decoder, name = model, f"a decoder of {_size(model):,} parameters"
    else:
        if progress is not None:
            progress("weights")
        decoder, name = load_decoder(model), os.fspath(model)
    loaded = time.perf_counter() - started

    def prompt_with(answer: str | None) -> Prompt:
        return few_shot(
            tokenizer_of(decoder),
            decoder.config,
            demonstrations,
            query,
            answer,
            template=template,
            chat=chat,
            preamble=preamble,
        )

    attribution = explain_prompt(
        decoder,
        prompt_with(target),
        against=None if against is None else prompt_with(against),
        method=method,
        interactions=interactions,
        answer_tokens=answer_tokens,
        progress=progress,
    )
    seconds = MappingProxyType({"weights": loaded, **attribution.seconds})
    return Explanation(name, replace(attribution, seconds=seconds), by)


def _check_against(target: str | None, against: str | None, method: str | None) -> None:
    """Raises ValueError where two answers cannot be compared, before the model is read."""
    if against is None:
        return
    if target is None:
        raise ValueError(f"give a target too: {against!r} is the answer against which it is explained")
    if not against.strip():
        raise ValueError("the answer against which the target is explained is empty: give a text")
    if target == against:
        raise ValueError(f"the answer {target!r} is compared with itself; give another one")
    if not METHODS[check_method(method)].in_nats:
        raise ValueError(f"two answers are compared in nats, by one of {', '.join(names_in_nats())}; got {method!r}")


def _unit(attribution: PromptAttribution) -> str:
    if attribution.contrast is not None:
        return "nats of the log odds of the answer against the other; positive helps the answer"
    return "nats a token of the answer; positive helps" if attribution.in_nats else "of the method"


def _size(decoder: LoadedDecoder) -> int:
    return sum(int(np.size(leaf)) for leaf in jax.tree.leaves(decoder.params))


def _list_or_none(parts: np.ndarray | None) -> list | None:
    return None if parts is None else parts.tolist()


def _probability(one: TokenProbability) -> dict[str, Any]:
    return {"token": one.token, "zero_shot": one.zero_shot, "few_shot": one.few_shot}
