"""A callback of mmap() puts the reference that the VMA was to have: up to 5.15.4.

drivers/gpu/drm/drm_prime.c drm_gem_prime_mmap() and drm_gem_ttm_mmap(), mended by taking one before
(drm/prime: Fix use after free in mmap with drm_gem_ttm_mmap). A frame buffer stands for the object.
"""

from pagefault.consts import FILE_FB
from pagefault.mm.driver import count_mapping
from pagefault.mm.vmalloc import area_open


def count_mmap(st, file, v):
    if st.file[file].kind != FILE_FB:
        count_mapping(st, file, 1)
    area_open(st, v)
