"""People: build, head, clothes, arms and posture of a subject, and what they look like."""
