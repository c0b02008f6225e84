/* mprotect(A..B, r) */
HELPER long protect(int page, int pages, int prot)
{
	return mprotect(address(page), bytes_of(pages), prot) < 0 ? -errno : 0;
}
