/* munmap(A..B) */
HELPER long unmap(int page, int pages)
{
	return munmap(address(page), pages * page_bytes) < 0 ? -errno : 0;
}
