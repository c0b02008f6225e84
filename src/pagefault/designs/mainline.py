"""Linux 6.12, the baseline: every other design is told as what it does differently.

A page that a mapping has to itself carries PageAnonExclusive (5.19, commits 78fbe906cc90 and
6c287605fd56 by David Hildenbrand). A write fault reuses such a page without a further question, a
pin is only given for such a page, and fork, which would share it, copies it if it may be pinned.
Claims every promise; a FOLL_GET reference is promised nothing across a fork.
"""
