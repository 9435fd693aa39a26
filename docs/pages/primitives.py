"""Which primitive has a rule in which layer."""

import jax

from lrgd_jax.certify import coverage
from lrgd_jax.experiments.shared.markdown import row


def primitives_page():
    """The table of primitives, from the registries that the walker uses."""
    found = coverage()
    known = sum(one.known for one in found.values())
    lines = [
        "# Primitives",
        "",
        f"Every program is walked one JAX primitive after the other. Of the {len(found)} primitives that JAX",
        f"{jax.__version__} and this package name, {known} have a rule in at least one layer; the others raise an",
        "error with your own line and, where there is one, the spelling that is covered. The table is read off the",
        "registries (`lrgd_jax.certify.coverage()`).",
        "",
        "- **rule**: the layer knows what the primitive does to its numbers; **written out**: in simpler primitives;",
        "  **moved**: it only chooses which entry goes where; **walked**: calls, branches and loops; **integers**:",
        "  evaluated as it stands, and any other primitive too where all its operands are integers or booleans.",
        "- **free symbol**: prime fields certify identities that hold whatever the function is; **case by case**: they",
        "  decide each pattern of comparisons by itself; **by its law**: $e^{x+y} = e^x e^y$ and its inverse.",
        "- **complex**: the exact layers have it for complex numbers too.",
        "",
        row("primitive", "rounding", "prime fields", "rationals", "balls", "complex", "in its place, or why not"),
        row(*["---"] * 7),
        *(
            row(
                f"`{name}`",
                *(word or "–" for word in (one.rounding, one.fields, one.rationals, one.balls)),
                "yes" if one.complex else "–",
                one.advice or "–",
            )
            for name, one in found.items()
        ),
    ]
    return "\n".join(lines) + "\n"
