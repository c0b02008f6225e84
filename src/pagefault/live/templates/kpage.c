/* /proc/kpagecount and /proc/kpageflags: a number of 64 bits for each frame. */

HELPER int read_kpage(const char *path, uint64_t frame, uint64_t *number)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	int got = pread(fd, number, sizeof(*number), frame * sizeof(*number));
	close(fd);
	return got == sizeof(*number) ? 0 : EIO;
}

HELPER int probe_kpage(void)
{
	uint64_t number;
	int error = read_kpage("/proc/kpagecount", 0, &number);

	return error ? error : read_kpage("/proc/kpageflags", 0, &number);
}

/* Of the frame that a page has. */
HELPER long kpage(const char *path, int page, uint64_t *number)
{
	uint64_t frame = frame_of(shared->seat[me].tid, page);

	if (!frame)
		return -EFAULT;
	return -read_kpage(path, frame, number);
}
