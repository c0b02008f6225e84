/* poison(A), soft_offline(A): the frame of a page goes bad, or is about to. It never comes back. */
#define BAD_FRAMES "/sys/devices/system/memory/"

HELPER int probe_bad_frames(void)
{
	if (access(BAD_FRAMES "hard_offline_page", W_OK) || access(BAD_FRAMES "soft_offline_page", W_OK))
		return errno;
	return 0;
}

static long take_out_of_use(const char *how, int page)
{
	char text[32];
	uint64_t frame = frame_of(shared->seat[me].tid, page);
	long error = 0;

	if (!frame)
		return -EFAULT;
	int fd = open(how, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	snprintf(text, sizeof(text), "%#llx", (unsigned long long)(frame * page_bytes));
	if (write(fd, text, strlen(text)) < 0)
		error = -errno;
	close(fd);
	return error;
}

HELPER long poison_page(int page)
{
	return take_out_of_use(BAD_FRAMES "hard_offline_page", page);
}

HELPER long soft_offline_page(int page)
{
	return take_out_of_use(BAD_FRAMES "soft_offline_page", page);
}
