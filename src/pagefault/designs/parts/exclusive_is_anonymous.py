"""Exclusive memory is a kind of anonymous memory, and has no file."""


def secretmem_has_a_file():
    return 0
