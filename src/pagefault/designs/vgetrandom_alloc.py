"""A system call of its own makes droppable memory, for the state of getrandom() and nothing else.

v14 of vgetrandom by Jason A. Donenfeld, January 2023; given up for a type of mmap() in July 2024.
Claim: no new promise of mmap() to all. Reclaim is that of v22, and what the thread of July 2024
found is open: breaks `never-written-out` by the multi-generational LRU and by KSM.
"""

PARTS = ["droppable-by-system-call", "aging-rescues-lazyfree", "ksm-takes-droppable"]
