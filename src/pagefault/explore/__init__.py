"""Search: every schedule of a program on a kernel, and what its states say."""
