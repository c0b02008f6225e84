"""GUP's slow path never finds that the fault has helped."""

from pagefault.consts import ENOENT


def follow_refuses(st, mm, vpn, gup_flags):
    return -ENOENT
