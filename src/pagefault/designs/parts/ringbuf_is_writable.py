"""mmap() of a bpf ring buffer lets any page be writable, and not that of the consumer alone.

5.8 to 5.12, where a program could forge the headers of records in front of the kernel. Mended by
"bpf: Prevent writable memory-mapping of read-only ringbuf pages".
"""


def may_be_writable(st, file, length):
    return 1
