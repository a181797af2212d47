"""Automatic annotation: hand labels from coloured gloves (HandSeg Section 4), reviewed, measured, and written."""
