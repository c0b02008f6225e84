"""Two calls find the same ring of a packet socket and both free it (as CVE-2021-22600).

Left out: that the second one there was an error path of packet_set_ring(), not another thread.
"""

from pagefault.consts import FILE_PACKET


def free_holds_the_mutex(st, file):
    return st.file[file].kind != FILE_PACKET
