"""v22 of 9 July 2024 as it was posted: reclaim asks the VMA, and nobody has looked elsewhere yet.

Jason A. Donenfeld. As mainline, less what the thread of 11 and 12 July added to it: the
multi-generational LRU no longer makes dirty folios swap-backed, and KSM stays away. Claim: that of
mainline. Breaks `never-written-out` by either.
"""

PARTS = ["aging-rescues-lazyfree", "ksm-takes-droppable"]
