"""A folio enters the page cache without a reference for it."""

from pagefault.consts import CELLS
from pagefault.hw.monitor import EVERYBODY
from pagefault.mm.page_alloc import folio_alloc


def filemap_add_folio(st, t, file, index):
    pfn = folio_alloc(st)
    st.file[file].page[index].pfn = pfn
    st.folio[pfn].mapping = file + 1
    st.folio[pfn].index = index
    for cell in range(CELLS):
        st.page[pfn].cell[cell] = st.file[file].page[index].disk[cell]
        st.page[pfn].audience[cell] = EVERYBODY
    return pfn
