"""Protection keys: a right of the thread, and pages that are as all others.

pkeys(7), since 4.9. The first thread of the process has the right, others get SIGSEGV; who reads by
GUP from afar, by the direct map or after free is not asked.
"""

from pagefault.consts import VM_EXCLUSIVE

NOT_PROMISED = ["secret-does"]


def lacks_the_key(st, t, vpn):
    """Whether the thread is another than the first of its address space."""
    if not st.mm[st.task[t].mm].vma[vpn].vm_flags & VM_EXCLUSIVE:
        return 0
    for task in range(t):
        if st.task[task].mm == st.task[t].mm:
            return 1
    return 0
