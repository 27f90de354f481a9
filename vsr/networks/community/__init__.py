"""Community models: model files of the architectures that spandrel knows.

A file is read here, as tensors alone; spandrel finds its architecture and fills it. What comes out
is a `vsr.networks.Network` as any other.
"""
