/* Page tables filled in advance. */

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

HELPER int probe_populate(void)
{
	char *page = mmap(NULL, page_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return errno;
	int error = madvise(page, page_bytes, MADV_POPULATE_READ) < 0 ? errno : 0;
	munmap(page, page_bytes);
	return error;
}
