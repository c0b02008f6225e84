/* mprotect(A..B, r) */
HELPER long protect(int page, int pages, int prot)
{
	return mprotect(address(page), pages * page_bytes, prot) < 0 ? -errno : 0;
}
