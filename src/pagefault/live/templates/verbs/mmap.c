/* A, B = mmap(anon, private, rw); with the pages in the parentheses, `flags` has MAP_FIXED. */
HELPER long map(int page, int pages, int prot, int flags)
{
	void *got = mmap(address(page), bytes_of(pages), prot, flags, -1, 0);

	return got == MAP_FAILED ? -errno : 0;
}
