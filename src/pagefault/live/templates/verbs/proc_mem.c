/* /proc/PID/mem: for other processes where ptrace() would be allowed. */

static long open_mem(int process)
{
	char path[64];
	struct seat *seat = &shared->seat[process];

	if (seat->state == NEW)
		return -ESRCH;
	snprintf(path, sizeof(path), "/proc/%d/mem", seat->pid);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? (errno == ENOENT ? -ESRCH : -errno) : fd;
}

/* r0 = proc_mem_read(P, A[1]) */
HELPER long proc_mem_read(int process, int page, int cell)
{
	signed char value = 0;
	long fd = open_mem(process);

	if (fd < 0)
		return fd;
	long got = pread(fd, &value, 1, (off_t)cell_of(page, cell));
	long error = got < 0 ? -errno : -ESRCH;	/* nothing: a zombie's */
	close(fd);
	return got == 1 ? value : error;
}

/* proc_mem_write(P, A[1], 5) */
HELPER long proc_mem_write(int process, int page, int cell, long value)
{
	signed char byte = value;
	long fd = open_mem(process);

	if (fd < 0)
		return fd;
	long got = pwrite(fd, &byte, 1, (off_t)cell_of(page, cell));
	long error = got < 0 ? -errno : -ESRCH;
	close(fd);
	return got == 1 ? 0 : error;
}

static int probe_proc_mem(void)
{
	static volatile char *page;

	if (!page)
		page = mmap(NULL, page_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return errno;
	int error = pwrite(fd, "1", 1, (off_t)page) == 1 ? 0 : errno;
	close(fd);
	return error;
}
