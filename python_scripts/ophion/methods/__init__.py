"""Python faces of the methods."""
