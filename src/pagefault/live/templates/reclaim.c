/* Reclaim of the memory of a cgroup, which the driver enters, and so all tasks. */

static int write_cgroup(const char *file, const char *text)
{
	char path[256];
	const char *cgroup = getenv("PAGEFAULT_CGROUP");

	if (!cgroup)
		return ENOENT;
	snprintf(path, sizeof(path), "%s/%s", cgroup, file);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	int error = write(fd, text, strlen(text)) < 0 ? errno : 0;
	close(fd);
	return error;
}

/* One go. More is asked for than there is, so it ends when nothing more can be had. */
static int reclaim_once(void)
{
	int error = write_cgroup("memory.reclaim", "1G");

	return error == EAGAIN ? 0 : error;
}

/* What is charged before the driver enters stays outside. */
HELPER int probe_reclaim(void)
{
	int error = probe_swap();

	if (!error)
		error = write_cgroup("cgroup.procs", "0");
	return error ? error : reclaim_once();
}

/* From the LRU of files alone; EAGAIN where fewer pages are counted. */
static int reclaim_from_files(long pages)
{
	char text[64];

	snprintf(text, sizeof(text), "%ld swappiness=0", pages * page_bytes);
	return write_cgroup("memory.reclaim", text);
}

HELPER int probe_reclaim_file(void)
{
	int error = write_cgroup("cgroup.procs", "0");

	if (!error)
		error = reclaim_from_files(1);
	return error == EAGAIN ? 0 : error;
}
