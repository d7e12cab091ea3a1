"""Data set v1: people of the open body in varied places, drawn from fixed seeds."""
