"""How every object that shows itself looks in a notebook: one function a kind, all of them listed here.

`lrgd_jax.display.HtmlDisplay` asks this module, by its name; the methods of objects that lie above `report` ask it too.
"""

from functools import singledispatch

from lrgd_jax.certify.answers.certificates import Certificate
from lrgd_jax.certify.answers.counterexample import Counterexample
from lrgd_jax.certify.answers.unrefuted import Unrefuted
from lrgd_jax.claims.certification import Certification
from lrgd_jax.claims.claim import Claim
from lrgd_jax.claims.verdicts import Verdict
from lrgd_jax.dual.finite import DualModel
from lrgd_jax.dual.full_batch import FullBatchDescent
from lrgd_jax.dual.functional import FunctionalDual, KernelExpansion
from lrgd_jax.dual.online import OnlineDescent
from lrgd_jax.recommend.serving.named_explanation import NamedExplanation
from lrgd_jax.recommend.serving.recommended import Recommended
from lrgd_jax.recommend.serving.recommender import Recommender
from lrgd_jax.report.answer_html import certificate_html, counterexample_html, unrefuted_html
from lrgd_jax.report.claim_html import certification_html, claim_html, verdict_html
from lrgd_jax.report.dual_html import (
    dual_model_html,
    expansion_html,
    full_batch_html,
    functional_dual_html,
    online_descent_html,
)
from lrgd_jax.report.html_pieces import piece
from lrgd_jax.report.recommendation_html import explanation_body, recommended_html, recommender_html

__all__ = ["display_body", "display_html"]


@singledispatch
def display_body(shown: object) -> str:
    """The inside of what a notebook shows, without the style that all of it shares.

    Args:
        shown: an object of one of the kinds that are registered here.

    Raises:
        TypeError: nobody has said how it looks.

    Examples:
        >>> from lrgd_jax.claims.claim_template import claim
        >>> display_body(claim).startswith("<h2>")
        True
    """
    raise TypeError(f"nothing says how a {type(shown).__name__} looks; register a function for it in {__name__}")


def display_html(shown: object) -> str:
    """A piece of HTML that brings its own style and needs neither script nor network.

    Args:
        shown: what `display_body` knows.
    """
    return piece(display_body(shown))


display_body.register(Certificate, certificate_html)
display_body.register(Certification, certification_html)
display_body.register(Claim, claim_html)
display_body.register(Counterexample, counterexample_html)
display_body.register(DualModel, dual_model_html)
display_body.register(FullBatchDescent, full_batch_html)
display_body.register(FunctionalDual, functional_dual_html)
display_body.register(KernelExpansion, expansion_html)
display_body.register(NamedExplanation, explanation_body)
display_body.register(OnlineDescent, online_descent_html)
display_body.register(Recommended, recommended_html)
display_body.register(Recommender, recommender_html)
display_body.register(Unrefuted, unrefuted_html)
display_body.register(Verdict, verdict_html)
