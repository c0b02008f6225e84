/* Without CONFIG_MEM_SOFT_DIRTY no page ever is, not even one that was just written. */
static int probe_soft_dirty(void)
{
	volatile char *page = mmap(NULL, page_bytes, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*page = 1;
	uint64_t entry = pagemap_entry(getpid(), (unsigned long)page);
	munmap((void *)page, page_bytes);
	return entry >> PM_SOFT_DIRTY & 1 ? 0 : EOPNOTSUPP;
}
