"""A place in a graph where somebody looks at the gradients that pass."""

from ..autograd import op
from .samples import shapes


@op(samples=[shapes((2, 3), (4,), notify=tuple), shapes(())])
def tap(xp, *xs, notify=None):
    """yₖ = xₖ        x̄ = notify(ȳ): a function that gets all the gradients at once and returns as many"""
    return xs, lambda *gs: gs if notify is None else notify(gs)
