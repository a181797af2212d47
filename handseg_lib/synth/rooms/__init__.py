"""Rooms, furniture and the things around a person."""
