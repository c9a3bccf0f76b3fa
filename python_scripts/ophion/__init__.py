"""The Python side of Ophion: the faces of its plug-ins and what they share."""
