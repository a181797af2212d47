"""Compiled loops over the points of bending fingers: how far each may go, and which must be asked again.

`live` (L,) are the rows that still turn; `air`, `palm`, `give` and `speed` are (K, N), as in `closing.Bending.turn`.
"""

import numpy as np

from handseg_lib.synth.compiled import compiled


@compiled
def gap_of(air, palm, give, has_palm):
    """Metres that a point can go at least before something stops it."""
    gap = air + give
    return min(gap, palm) if has_palm and give < np.inf else gap


@compiled
def stops(live, air, palm, give, speed, has_palm):
    """(L,) the turn in radians up to which each row surely stays free, and (L,) its least gap in metres."""
    turns, gaps = np.full(len(live), np.inf), np.full(len(live), np.inf)
    for n in range(len(live)):
        row = live[n]
        for i in range(air.shape[1]):
            gap = gap_of(air[row, i], palm[row, i], give[row, i], has_palm)
            turns[n] = min(turns[n], gap / speed[row, i])
            gaps[n] = min(gaps[n], gap)
    return turns, gaps


@compiled
def unsure(live, air, palm, give, speed, has_palm, counts, least, near):
    """(L, N) points that may be the next to touch: within (L,) `least` radians, or nearer than `near` metres."""
    need = np.zeros((len(live), air.shape[1]), np.bool_)
    for n in range(len(live)):
        row = live[n]
        for i in range(air.shape[1]):
            gap = gap_of(air[row, i], palm[row, i], give[row, i], has_palm)
            need[n, i] = counts[i] and (gap <= least[n] * speed[row, i] or gap < near)
    return need
