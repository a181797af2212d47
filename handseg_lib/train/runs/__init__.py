"""The declarations of all runs, one module a paper; importing this package enters them in `registry.RUNS`."""

from handseg_lib.train.runs import denseattention, handseg, handseg_cross, world

__all__ = ["denseattention", "handseg", "handseg_cross", "world"]
