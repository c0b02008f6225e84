"""A write fault reuses a KSM page that nobody else has, in place.

mm/ksm.c reuse_ksm_page(), 5.1 to 5.8: with one reference, and not in the swap cache. It is no KSM
page from then on.
"""

from pagefault.consts import PG_KSM


def reuse_ksm_page(st, pfn):
    if st.folio[pfn].swap or st.folio[pfn].refcount != 1:
        return 0
    st.folio[pfn].pg_flags &= ~PG_KSM
    return 1
