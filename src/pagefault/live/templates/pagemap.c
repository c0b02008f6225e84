/* What /proc/PID/pagemap says of a page. Frame numbers are for those with CAP_SYS_ADMIN alone. */

static uint64_t zero_frame;

enum { PM_SOFT_DIRTY = 55 };	/* a bit of an entry */

/* The entry of an address; 0 if there is none. */
HELPER uint64_t pagemap_entry(int pid, unsigned long at)
{
	char path[64];
	uint64_t entry = 0;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (pread(fd, &entry, sizeof(entry), at / page_bytes * sizeof(entry)) != sizeof(entry))
		entry = 0;
	close(fd);
	return entry;
}

/* The frame number of a page, 0 if there is none or it is hidden. */
HELPER uint64_t frame_at(int pid, unsigned long at)
{
	uint64_t entry = pagemap_entry(pid, at);

	return entry >> 63 ? entry & ((1ull << 55) - 1) : 0;
}

HELPER uint64_t frame_of(int pid, int page)
{
	return frame_at(pid, (unsigned long)address(page));
}

/* 0, or an errno if frame numbers are hidden. */
HELPER int probe_frames(void)
{
	static volatile char *page;

	if (!page) {
		page = mmap(NULL, page_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		(void)*page;
		zero_frame = frame_at(getpid(), (unsigned long)page);
	}
	return zero_frame ? 0 : EPERM;
}

/* 0, or an errno if a process cannot read its own. */
HELPER int probe_pagemap(void)
{
	return pagemap_entry(getpid(), (unsigned long)shared) ? 0 : EACCES;
}
