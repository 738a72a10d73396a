"""The main job played before one's eyes against a running stack; it knows the wire and the terminal, not Django."""
