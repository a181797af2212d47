"""Shared code of the hand-segmentation companion: four papers, taught and re-measured by notebooks."""

__version__ = "0.1.0"
