"""The tables of the documentation: steps by layer, features that a finite dual needs, and the tokens of the chains."""

from pathlib import Path

from lrgd_jax.experiments.running.interface import Rows, Summary
from lrgd_jax.experiments.shared.further_results import with_smollm2
from lrgd_jax.experiments.shared.markdown import between, count, per_cent, table

__all__ = ["tables"]


def tables(summary: Summary, results: Path) -> list[str]:
    """Steps by layer, features that a finite dual needs, and the tokens of the chains."""
    return with_smollm2(layer_tables, summary, results)


def layer_tables(summary: Summary) -> list[str]:
    """The same of one run."""
    columns = {
        "change of the output": lambda x: between(x["change"]),
        "attention on the demonstrations": lambda x: between(x["attention_on_demonstrations"]),
        r"$\log_{10}$ of the step's size": lambda x: between(x["log10_size"], 1),
        "the same, keys centred": lambda x: between(x["log10_size_centred"], 1),
        "effective rank": lambda x: between(x["rank"]),
        "alignment": lambda x: between(x["alignment"], 3),
        "alignment, zero-shot": lambda x: between(x["zero_shot_alignment"], 3),
    }
    layers = {**summary["layers"], "all": summary["all layers"]}
    needed = [line for line in summary["needed features"] if line["layer"] == "all"]
    quantiles = [key for key in needed[0] if key.endswith("of heads")]
    return [
        f"At the query's last token, over {count(summary['prompts'], 'prompt')}: medians with quartiles over heads and "
        "prompts; alignments are means with 95 % bootstrap intervals over prompts.",
        "",
        *table(["layer", *columns], [[k, *(f(x) for f in columns.values())] for k, x in layers.items()]),
        "Features with which so many of the heads' outputs meet a relative error, all layers together:",
        "",
        *table(
            ["error", "features", "keys", "met by", *quantiles],
            [
                [
                    per_cent(line["error"]),
                    line["map"],
                    line["keys"],
                    per_cent(line["reached"]),
                    *(whole(line[key]) for key in quantiles),
                ]
                for line in needed
            ],
        ),
        *chain_table(summary["chains"]),
    ]


def whole(x: float | str) -> str:
    """A number of features, or the bound that it exceeds."""
    bound = isinstance(x, str)
    number = float(x.removeprefix(">")) if bound else float(x)
    mantissa, _, exponent = f"{number:.1e}".partition("e")
    text = rf"${mantissa}\cdot10^{{{int(exponent)}}}$" if number >= 1e6 else f"{number:,.0f}"
    return f"> {text}" if bound else text


def chain_table(chains: Rows) -> list[str]:
    """Agreement of the greedy tokens; nothing where no chain was run."""
    if not chains:
        return []
    return [
        f"Greedy tokens of the decoder ({chains[0]['tokens']} a prompt) that the chain of duals gives, and how many it "
        "gives before its first other one:",
        "",
        *table(
            ["chain", "keys", "features in every layer", "share of tokens", "before the first other one"],
            [
                [
                    x["chain"],
                    x.get("keys", "–"),
                    f"{x['features']:,}" if "features" in x else "–",
                    between(x["agreeing"]),
                    between(x["leading"], 1),
                ]
                for x in chains
            ],
        ),
    ]
