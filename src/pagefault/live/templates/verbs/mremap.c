/* X, Y = mremap(A..B) */
HELPER long move(int page, int pages, int new_page)
{
	size_t bytes = bytes_of(pages);
	void *got = mremap(address(page), bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
			   address(new_page));

	return got == MAP_FAILED ? -errno : 0;
}
