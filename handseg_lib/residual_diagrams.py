"""Drawings of networks on a residual encoder: every addition of a residual block makes a link; here few are kept.

`diagrams.trace` follows the sums of a ResNet too, and with them each skip of a decoder begins at every block of its
stage at once: hundreds of arcs for one connection. `one_skip_a_size` keeps the one that a reader would draw.
"""

from dataclasses import replace

from handseg_lib.diagrams import FEATURES, Diagram, Link

RESIZES = ("strided convolution", "strided deconvolution", "bilinear upsampling", "unpooling")
"""Kinds of layers that return another height than they take."""


def one_skip_a_size(diagram: Diagram) -> Diagram:
    """The same drawing with one skip for every height at which features are carried past something smaller.

    Kept is the way from the last block of that height before the network shrinks to the first one after it has grown
    again, over the fewest layers. Links between different heights go: they pass through the strided convolution of a
    residual block, which the main line shows. Links that carry places of maxima stay.

    Args:
        diagram: of `diagrams.trace`.

    Returns:
        Blocks and line unchanged, links a part of those given, in their order.
    """
    best: dict[int, Link] = {}
    for link in diagram.skips:
        start = diagram.line[link.source].height
        target = diagram.line[link.target]
        takes = diagram.line[link.target - 1] if target.kind in RESIZES else target  # of the height that it takes
        if link.carries != FEATURES or takes.height != start:
            continue
        known = best.get(start)
        if known is None or _preference(link) < _preference(known):
            best[start] = link
    kept = [link for link in diagram.links if link.carries != FEATURES or link in best.values()]
    return replace(diagram, links=tuple(kept))


def _preference(link: Link) -> tuple[int, int, int]:
    """Smallest for the link to keep: an early target, a late source, few layers on the way."""
    return link.target, -link.source, len(link.via)
