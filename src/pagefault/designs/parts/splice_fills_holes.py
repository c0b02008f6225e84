"""splice() from a file of shmem fills its holes, so that later stores are seen: up to 5.17.

tmpfs: do not allocate pages on read (commit 56a8c8eb1eaf, 5.18). Seen on 5.10.223.
"""


def shmem_splices_holes(st):
    return 0
