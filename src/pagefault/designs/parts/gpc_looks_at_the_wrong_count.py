"""A refresh of KVM's pfn cache asks for mmu_invalidate_in_progress, as a guest's fault does.

But that goes up only after the cache has been invalidated: before 5.19, commit 58cd407ca4c6 by Sean
Christopherson ("KVM: Fix multiple races in gfn=>pfn cache refresh").
"""


def mmu_notifier_retry_cache(st, s, seq):
    return st.secondary[s].in_progress != 0 or st.secondary[s].invalidate_seq != seq
