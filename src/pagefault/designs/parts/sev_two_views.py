"""Memory that the CPU encrypts: its owner and all others see different bytes of one page.

As AMD SEV has it: a page of a guest is ciphertext to the host's direct map and to devices, and
ciphertext that is copied to another frame is of no use to anybody. The direct map stays whole. Here
a read by another way gets CIPHERTEXT, and a copy that the kernel makes holds it.
"""

from pagefault.consts import CELLS, EFAULT
from pagefault.hw.monitor import EVERYBODY, SECRET

NOT_PROMISED = ["secret-does"]

CIPHERTEXT = 99


def bus_read(st, pfn, cell):
    if st.page[pfn].audience[cell] & SECRET:
        return CIPHERTEXT
    return st.page[pfn].cell[cell]


def __kvm_read_guest_page(st, t, vpn, cell):
    """arch/x86/kvm/svm/svm.c svm_check_emulate_instruction(), v6.12: nothing is emulated."""
    yield "instruction not known"
    return -EFAULT


def observe_secret_leaves(st, pfn):
    return


def copy_highpage(st, new_pfn, old_pfn):
    for cell in range(CELLS):
        st.page[new_pfn].cell[cell] = st.page[old_pfn].cell[cell]
        st.page[new_pfn].writer[cell] = st.page[old_pfn].writer[cell]
        st.page[new_pfn].audience[cell] = st.page[old_pfn].audience[cell]
        if st.page[old_pfn].audience[cell] & SECRET:
            st.page[new_pfn].cell[cell] = CIPHERTEXT
            st.page[new_pfn].audience[cell] = EVERYBODY
