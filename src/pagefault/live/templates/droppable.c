/* Memory that the kernel may take away: a type of mapping, as MAP_PRIVATE is. */

HELPER int probe_droppable(void)
{
	char *page = mmap(NULL, page_bytes, PROT_READ, MAP_DROPPABLE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return errno;
	munmap(page, page_bytes);
	return 0;
}
