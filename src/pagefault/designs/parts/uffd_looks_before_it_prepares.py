"""userfaultfd gives a VMA its anon_vma only where it fills a page: up to 6.8.

userfaultfd: use per-vma locks in userfaultfd operations (commit 867a43a34ff8, 6.9).
"""


def find_vma_and_prepare_anon(st, mm, vpn):
    pass
