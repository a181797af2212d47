"""The synthetic RGB-D world: hand, body, scenes, lights, cameras, renderer and sensor models."""
