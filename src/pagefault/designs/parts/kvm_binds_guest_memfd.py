"""The file is KVM's own: a memslot takes it, and the guest reaches it though nobody maps it.

guest_memfd, 6.8. What Andy Lutomirski wanted most in October 2019.
"""

from pagefault.consts import FILE_SECRET


def kvm_gmem_takes(st, file):
    return st.file[file].kind == FILE_SECRET
