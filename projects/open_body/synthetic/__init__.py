"""Labelled pictures of synthetic people, made from the open body without OpenGL."""
