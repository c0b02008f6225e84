"""fork() shares a huge page and tells notifiers of its first page only."""


def copied_until(st, mm, vpn):
    return vpn + 1
