"""A VMA without an anon_vma merges with one that has one, whichever of the two has changed.

Series "fix incorrectly disallowed anonymous VMA merges" by Lorenzo Stoakes (6.16, commit
879bca0a2c4f). 6.12 asks the neighbour's list of anon_vmas for a single entry, and an empty list
has none.
"""

from pagefault.mm.vma import ANON_VMA_OF_PARENT


def is_mergeable_anon_vma(anon_vma, other):
    if anon_vma == 0 or other == 0:
        return not (anon_vma | other) & ANON_VMA_OF_PARENT
    return anon_vma == other
