"""A guest's entry holds a reference to its page for as long as it is there.

Nobody proposed it; it is what "an extra reference" would be if KVM kept it, and what a user of GUP
without notifiers has. Where a write fault counts references, each page that a guest has mapped is
copied once for nothing.
"""


def spte_keeps_reference(st, s):
    return 1
