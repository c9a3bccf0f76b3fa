"""Python faces of the readers."""
