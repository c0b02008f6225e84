/* What /proc/PID/pagemap says of a page. Frame numbers are for those with CAP_SYS_ADMIN alone. */

static uint64_t zero_frame;

enum { PM_SOFT_DIRTY = 55, PM_UFFD_WP = 57, PM_SWAP = 62 };	/* bits of an entry */

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

/* Whether userfaultfd has the page for missing (um) or write-protected ones (uw). */
static int is_registered(int pid, unsigned long at, const char *flag)
{
	char line[512];
	unsigned long start, end;
	int here = 0, found = 0;

	snprintf(line, sizeof(line), "/proc/%d/smaps", pid);
	FILE *smaps = fopen(line, "re");
	while (smaps && !found && fgets(line, sizeof(line), smaps))
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			here = start <= at && at < end;
		else if (here && strncmp(line, "VmFlags:", 8) == 0)
			found = strstr(line, flag) != NULL;
	if (smaps)
		fclose(smaps);
	return found;
}

/* After a system call that the kernel made fail because it could not reach a page: whether it would
 * have waited for an answer of userfaultfd, but for UFFD_FEATURE_SIGBUS. */
HELPER int waits_for_answer(int error, int task, int page, int write)
{
	int pid = task == me ? shared->seat[me].tid : shared->seat[task].pid;
	unsigned long at = (unsigned long)address(page);

	if (error != EFAULT)
		return 0;
	uint64_t entry = pagemap_entry(pid, at);
	if (!(entry >> PM_SWAP & 3))
		return is_registered(pid, at, " um");
	return write && entry >> PM_UFFD_WP & 1 && is_registered(pid, at, " uw");
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
