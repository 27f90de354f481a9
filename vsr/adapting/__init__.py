"""Fitting a model to one's own camera, by its footage alone."""
