"""First-person views: the wearer of the head camera, what the hands do, and where it happens."""
