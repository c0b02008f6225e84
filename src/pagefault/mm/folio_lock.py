"""The folio lock. Models include/linux/pagemap.h folio_lock() and mm/filemap.c."""

from pagefault.consts import BLOCKED, BUG_UNLOCK
from pagefault.hw.choice import VM_BUG_ON
from pagefault.mm.page_alloc import page_folio


def folio_lock(st, t, pfn):
    """include/linux/pagemap.h folio_lock(), v6.12."""
    yield "folio lock"
    while st.folio[page_folio(st, pfn)].locked:
        yield BLOCKED
    st.folio[page_folio(st, pfn)].locked = t + 1


def others_have_locked(st, pfn):
    """Whether somebody whom the model does not have holds the folio lock, as who tries must
    expect. Not here, where a program names all; see the part others-lock-folios."""
    return 0


def folio_trylock(st, t, pfn):
    """include/linux/pagemap.h folio_trylock(), v6.12: 0 if somebody has it."""
    if st.folio[page_folio(st, pfn)].locked or others_have_locked(st, page_folio(st, pfn)):
        return 0
    st.folio[page_folio(st, pfn)].locked = t + 1
    return 1


def folio_test_locked(st, pfn):
    """Whether somebody whom the model knows has the folio lock."""
    return st.folio[page_folio(st, pfn)].locked != 0


def folio_unlock(st, pfn):
    VM_BUG_ON(st, not st.folio[page_folio(st, pfn)].locked, BUG_UNLOCK)
    st.folio[page_folio(st, pfn)].locked = 0
