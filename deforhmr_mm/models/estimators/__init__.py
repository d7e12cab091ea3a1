"""Whole models: picture in, body out."""

from .mesh_estimator import BodyMismatchError, MeshEstimator

__all__ = ['BodyMismatchError', 'MeshEstimator']
