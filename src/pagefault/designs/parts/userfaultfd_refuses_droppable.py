"""userfaultfd takes no droppable memory: UFFDIO_REGISTER says -EINVAL.

Since 6.17, by Tal Zussman. From 6.11 on the question was there, but asked the modes that were
wanted, not the VMA: whatever they were, the answer was no. So UFFDIO_MOVE could bring a swap-backed
folio into droppable memory, which is what David Hildenbrand had warned of on 12 July 2024. Cost:
none.
"""


def userfaultfd_takes_droppable():
    return 0
