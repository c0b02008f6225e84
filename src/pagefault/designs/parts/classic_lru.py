"""The classic LRU lists: nobody looks at PTEs before reclaim comes.

CONFIG_LRU_GEN off, or 0 in /sys/kernel/mm/lru_gen/enabled; the other is the multi-generational LRU
of Yu Zhao (6.1). So no dirty bit is handed over by walk_pte_range(), nothing is spared by
sort_folio(), and reclaim meets all that there is. `pagefault conform` adds this part where a kernel
says so (droppable+two-pages-reclaim_file).
"""


def age_lazyfree(st, mm, vpn):
    pass
