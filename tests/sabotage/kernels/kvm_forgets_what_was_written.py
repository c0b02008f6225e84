"""A guest's entry goes and leaves its page as clean as it was."""


def zap_makes_dirty(st, s):
    return 0
