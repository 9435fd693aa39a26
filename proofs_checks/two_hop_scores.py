"""Two hops in the graph of transitions are one dual asked twice; its score is a sum over paths of demonstrations."""

from lrgd_jax.claims import Claim, Misquotation, Mutant, alter
from lrgd_jax.dual import DualModel


def hops(query, before, after, rates, share):
    """Scores from the transitions' graph; and what removing the first transition changes."""
    graph = (rates[:, None] * after).T @ before
    without = (rates[1:, None] * after[1:]).T @ before[1:]

    def score(adjacency):
        return adjacency @ query + share * (adjacency @ (adjacency @ query))

    return {"score": score(graph), "removal": score(graph) - score(without)}


def paths(query, before, after, rates, share, begins=1, itself=1):
    """Predictions of one model, asked with the query and with its own answer; and the paths through the first."""
    model = DualModel.untrained(before, after, sample_weights=rates)
    weights = model.train()
    answer = model.predict(weights, query[None])[0]
    direct = rates * (before @ query)
    # link [i, j]: transition j and then i
    links = before @ after.T
    through = after.T @ (rates * (links[:, 0] * direct[0]))
    ending = rates[0] * (links[0] @ direct) * after[0]
    twice = rates[0] * links[0, 0] * direct[0] * after[0]
    return {
        "score": answer + share * model.predict(weights, answer[None])[0],
        "removal": direct[0] * after[0] + share * (begins * through + ending - itself * twice),
    }


def one_hop(query, before, after, rates, share):
    model = DualModel.untrained(before, after, sample_weights=rates)
    right = paths(query, before, after, rates, share)
    return {**right, "score": model.predict(model.train(), query[None])[0]}


claim = Claim(
    slug="two-hop-scores",
    title="Two-hop scores are one dual asked twice, a sum over paths of demonstrations",
    group="F",
    statement=r"""
Transitions $i$ with items before $x_i$ and after $y_i$ and weights $\eta_i$ make the graph $G = \sum_i\eta_iy_ix_i^\top$. The two-hop score $Gq+\beta\,GGq$ is $f_{W_1}(q)+\beta f_{W_1}(f_{W_1}(q))$ of the dual after one step on the alignment loss of the transitions. Without transition 1 it falls by
$$c_1y_1 + \beta\Big(\sum_i\eta_i\,(x_i^\top y_1)\,c_1\,y_i + \eta_1\sum_j(x_1^\top y_j)\,c_j\,y_1 - \eta_1(x_1^\top y_1)\,c_1\,y_1\Big),\qquad c_j = \eta_j\,x_j^\top q:$$
its own hop, the paths that begin with it, those that end with it, and, counted twice in these, the one of it alone.
""",
    assumptions=(
        "weights $\\eta_i$ that do not depend on the other transitions: a normalised row would change with one",
    ),
    proof=r"""
$W_1 = G$ (`linear-attention`). With $G = G_{-1}+\eta_1y_1x_1^\top$, $GG-G_{-1}G_{-1} = \eta_1G\,y_1x_1^\top+\eta_1y_1x_1^\top G-\eta_1^2(x_1^\top y_1)\,y_1x_1^\top$; apply to $q$. $\square$

The score is a dual of concatenated features, $[x_i;x_i]$ asked with $[q;\beta Gq]$, so it splits over demonstrations exactly; but that share of demonstration 1, which holds the paths that *end* with it, is not what its removal takes away.
""",
    source="few-hop transition graphs for sequential recommendation: Han et al. 2026, arXiv 2605.07125 (which ranks the candidates by similarity of features besides); the paths are derived here",
    arguments={"query": "m", "before": "n m", "after": "n m", "rates": "n", "share": ""},
    dimensions={"n": (2, 3), "m": (1, 3)},
    shapes=({"n": 3, "m": 2}, {"n": 2, "m": 3}),
    left=hops,
    right=paths,
    mutants=(
        Mutant("one hop alone", one_hop),
        Mutant(
            "only paths that end with the transition are lost",
            alter(paths, begins=0, itself=0),
            quoted=Misquotation(
                says="A recommendation of a multi-hop graph is explained by the contributions of its edges; leaving one out takes its contribution away.",
                source="commonly read so where contributions of linear models are taken over to graphs",
                rather="With two hops the score is quadratic in the edges. An edge's contribution holds the paths that end with it; its removal takes those that begin with it as well.",
            ),
        ),
        Mutant("the path of the transition alone counts twice", alter(paths, itself=0)),
    ),
)
