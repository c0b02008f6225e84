"""The end of any mapping of a secret file puts all its pages back into the direct map.

memfd_create(MFD_SECRET) of 5 December 2019, by its text: others may still map them. Breaks
`secret-does`, and with it `secret-is`.
"""

from pagefault.consts import NR_FILE_PAGES
from pagefault.hw.direct_map import set_direct_map_default_noflush
from pagefault.mm.i_mmap import i_mmap_lock_write, i_mmap_unlock_write


def unlink_file_vma(st, t, mm, start, end):
    file = st.mm[mm].vma[start].vm_file - 1
    yield from i_mmap_lock_write(st, t, file)
    for vpn in range(start, end):
        if st.mm[mm].vma[vpn].vm_file == file + 1:
            st.mm[mm].vma[vpn].vm_file = 0
            st.mm[mm].vma[vpn].vm_pgoff = 0
    for index in range(NR_FILE_PAGES):
        if st.file[file].page[index].pfn:
            set_direct_map_default_noflush(st, st.file[file].page[index].pfn)
    i_mmap_unlock_write(st, file)
