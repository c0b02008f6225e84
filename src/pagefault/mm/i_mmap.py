"""Which VMAs map a file, and where. Models mapping->i_mmap of include/linux/fs.h, and what links
VMAs there of mm/vma.c.

A VMA is found by the file that its record names. It stays there until munmap() has zapped its
pages, though it is in no address space's tree any more.
"""

from pagefault.consts import BLOCKED, BUG_UNLOCK, I_MMAP_WRITER
from pagefault.hw.choice import VM_BUG_ON


def i_mmap_lock_write(st, t, file):
    """include/linux/fs.h i_mmap_lock_write(), v6.12."""
    yield "i_mmap_rwsem for writing"
    while st.file[file].i_mmap_rwsem != 0:
        yield BLOCKED
    st.file[file].i_mmap_rwsem = I_MMAP_WRITER


def i_mmap_unlock_write(st, file):
    VM_BUG_ON(st, st.file[file].i_mmap_rwsem != I_MMAP_WRITER, BUG_UNLOCK)
    st.file[file].i_mmap_rwsem = 0


def i_mmap_lock_read(st, t, file):
    """include/linux/fs.h i_mmap_lock_read(), v6.12."""
    yield "i_mmap_rwsem for reading"
    while st.file[file].i_mmap_rwsem == I_MMAP_WRITER:
        yield BLOCKED
    st.file[file].i_mmap_rwsem += 1


def i_mmap_unlock_read(st, file):
    VM_BUG_ON(st, st.file[file].i_mmap_rwsem <= 0, BUG_UNLOCK)
    st.file[file].i_mmap_rwsem -= 1


def linear_page_index(st, mm, vpn):
    """include/linux/pagemap.h linear_page_index(), v6.12: which page of the file lies there."""
    return vpn + st.mm[mm].vma[vpn].vm_pgoff


def maps_file_page(st, mm, vpn, file, index):
    """Whether a VMA that the file knows of has page `index` of it there."""
    return st.mm[mm].vma[vpn].vm_file == file + 1 and linear_page_index(st, mm, vpn) == index


def vma_link_file(st, mm, vpn, file, index):
    """mm/vma.c vma_link_file(), v6.12, of one page. Locks: i_mmap_rwsem held for writing."""
    st.mm[mm].vma[vpn].vm_file = file + 1
    st.mm[mm].vma[vpn].vm_pgoff = index - vpn


def unlink_file_vmas(st, t, mm, start, end):
    """mm/memory.c free_pgtables(), v6.12: the VMAs of vpns [start, end) are gone from their files,
    now that their pages are zapped."""
    for vpn in range(start, end):
        if st.mm[mm].vma[vpn].vm_file:
            yield from unlink_file_vma(st, t, mm, vpn, end)


def unlink_file_vma(st, t, mm, start, end):
    """mm/vma.c unlink_file_vma(), v6.12: of the file that is mapped at `start`."""
    file = st.mm[mm].vma[start].vm_file - 1
    yield from i_mmap_lock_write(st, t, file)
    for vpn in range(start, end):
        if st.mm[mm].vma[vpn].vm_file == file + 1:
            st.mm[mm].vma[vpn].vm_file = 0
            st.mm[mm].vma[vpn].vm_pgoff = 0
    i_mmap_unlock_write(st, file)
