/* munmap(A..B) */
HELPER long unmap(int page, int pages)
{
	return munmap(address(page), bytes_of(pages)) < 0 ? -errno : 0;
}
