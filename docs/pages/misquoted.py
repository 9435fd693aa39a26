"""The page on statements that are quoted and wrong, from what `lrgd verify --group misquoted` wrote."""

from lrgd_jax.claims import load_claims
from lrgd_jax.experiments.shared.markdown import count, shown_number, table
from lrgd_jax.report.misquotations import arguments_text, results_text

COMMAND = "lrgd verify --group misquoted --exact"


def misquoted_page(summary):
    """A table of all of them, then one section each: source, counterexample, what is right, certificate, command."""
    claims, said = load_claims(), list(enumerate(summary["misquotations"], 1))
    verdicts = {verdict["slug"]: verdict for verdict in summary["claims"]}
    lines = [
        *introduction(summary["version"]),
        *table(
            ["", "as it is said", "what is right"],
            [
                (number, plain(one["says"]), link(claims[one["slug"]], claims[one["slug"]].title))
                for number, one in said
            ],
        ),
    ]
    for number, one in said:
        lines += section(number, one, claims[one["slug"]], verdicts[one["slug"]])
    return "\n".join(lines)


def introduction(version):
    """What the page shows, and which command wrote it."""
    return [
        "# Commonly misquoted",
        "",
        "What one reads about attention and gradient descent in papers, documentation and notes is not always what was",
        "proved. Each statement below is told in our words, as it is found or commonly understood, and is wrong as it",
        "stands. Beside it are the smallest arguments that refute it, what is right, and the certificate of that. A",
        "work that a statement is *commonly read into* need not make it. The wrong version is a mutant of the claim",
        "that states the right one: every layer of the check rejects the mutant and certifies the claim.",
        "",
        "```sh",
        COMMAND,
        "```",
        "",
        f"With `--json docs/results/misquoted/summary.json` this command (lrgd_jax {version}) wrote the numbers here,",
        "and `python docs/generate.py` the page.",
        "",
    ]


def section(number, one, claim, verdict):
    """One misquotation."""
    point = one["counterexample"]
    sizes = ", ".join(f"{name} = {size}" for name, size in point["dimensions"].items())
    return [
        f"## {number}. {claim.title}",
        "",
        f"**As it is said.** {plain(one['says'])}",
        "",
        f"*Where:* {one['source']}.",
        "",
        f"**Refuted** in {point['numbers']}, at {sizes}: for `{arguments_text(point['arguments'])}` it gives "
        f"`{results_text(point['quoted'])}`; right is `{results_text(point['right'])}`.",
        "",
        f"**What is right.** {plain(one['rather'])} Stated and proved in {link(claim, f'`{claim.slug}`')}.",
        "",
        f"**Certificate.** {certificate(verdict)} All layers reject the wrong version, the mutant “{one['mutant']}”.",
        "",
        "```sh",
        f"lrgd verify {claim.slug} --group misquoted --exact",
        "```",
        "",
    ]


def link(claim, text):
    """To the page of a claim."""
    return f"[{text}](claims/{claim.slug}.md)"


def plain(sentence):
    """A sentence in which no character is markup."""
    return sentence.replace("*", "\\*").replace("_", "\\_").replace("<", "&lt;")


def certificate(verdict):
    """What certifies the claim, in a sentence."""
    exact, balls = verdict["exact"], verdict["rigorous"]
    return (
        f"The claim holds for all arguments of its shapes: both sides are equal at random points of "
        f"{count(len(exact['fields']), 'random prime field')} (degree {exact['degree']}, false with probability at "
        f"most {shown_number(exact['false_accept'], 2)}), and their difference lies within "
        f"{shown_number(balls['radius'], 2)} of zero in balls of {balls['bits']} bits."
    )
