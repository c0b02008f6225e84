"""The slow path of GUP does not ask vma_is_secretmem(): the check of check_vma_flags() left out.

Nobody proposed it; it shows what the check is for. Breaks `no-oops`: /proc/PID/mem and
process_vm_readv() copy by the direct map; and `secret-is` by pins.
"""


def gup_refuses_secretmem(st, mm, vpn):
    return 0
