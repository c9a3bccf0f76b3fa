"""Python faces of the tools."""
