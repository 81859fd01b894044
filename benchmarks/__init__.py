"""Measurements of this project on real memories."""
