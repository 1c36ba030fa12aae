"""Faces in raw videos: finding them, following them, and cutting them out as the datasets do."""
