"""A guest's fault looks at the number alone, which changes only when an invalidation ends."""


def mmu_invalidate_retry(st, s, seq):
    return st.secondary[s].invalidate_seq != seq
