"""Litmus programs on real kernels. It imports nothing of the model."""
