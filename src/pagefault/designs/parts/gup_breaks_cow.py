"""Every GUP reference to private memory asks for a write fault first, even to read: 5.8 only.

should_force_cow_break(), commit 17839856fd58 by Linus Torvalds; gone in 5.9 (a308c71bf1e6).
"""


def gup_breaks_cow(gup_flags):
    return 1
