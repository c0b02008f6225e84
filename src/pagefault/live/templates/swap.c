/* Swap: a page that nobody else maps goes there by MADV_PAGEOUT. */

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

HELPER int is_swapped(unsigned long at)
{
	return pagemap_entry(getpid(), at) >> 62 & 1;
}

/* Tried with a page, since swap may be there and full, or closed to us by a memory cgroup. */
HELPER int probe_swap(void)
{
	int error = ENODEV;
	char *page = mmap(NULL, page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return errno;
	*page = 1;
	settle();
	if (madvise(page, page_bytes, MADV_PAGEOUT) < 0)
		error = errno;
	else if (is_swapped((unsigned long)page))
		error = 0;
	munmap(page, page_bytes);
	return error;
}
