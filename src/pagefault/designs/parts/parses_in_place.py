"""The kernel parses user memory where it is, without a private copy: user_map's users might.

January 2021: kernel code that reaches user pages by a mapping of its own saves copies. But that the
page stays the right one does not make what it holds stay: any thread may store between the check
and the use, the double fetch of many a CVE.
"""


def parses_in_place(st):
    return 1
