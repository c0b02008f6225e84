/* clear_refs(): no page is soft-dirty any more. */
HELPER long clear_refs(void)
{
	int fd = open("/proc/thread-self/clear_refs", O_WRONLY | O_CLOEXEC);
	long ret = fd < 0 || write(fd, "4", 1) != 1 ? -errno : 0;

	close(fd);
	return ret;
}
