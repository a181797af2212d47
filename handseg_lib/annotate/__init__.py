"""Automatic annotation, reviewed, measured and written: hands by coloured gloves (HandSeg Section 4), hands and the
objects in them by skin colour and depth (DenseAttentionSeg Section 3)."""
