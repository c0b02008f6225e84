"""Litmus programs on real kernels. Nothing here may lean on the model."""
