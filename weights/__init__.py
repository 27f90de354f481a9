"""Bundled weights and their manifest; read through `vsr.networks.catalogue`."""
