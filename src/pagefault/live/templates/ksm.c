/* KSM, the one of the whole machine: it merges the pages of whoever asked for it. Who runs tests
 * that need it waits for others who do, so that their pages are not merged with ours. */

#include <sys/file.h>

#define KSM "/sys/kernel/mm/ksm/"

#ifndef MADV_MERGEABLE
#define MADV_MERGEABLE 12
#endif
#ifndef MADV_UNMERGEABLE
#define MADV_UNMERGEABLE 13
#endif

static long read_ksm(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	int got = read(fd, text, sizeof(text) - 1);
	close(fd);
	return got > 0 ? atol(text) : -EIO;
}

static int write_ksm(const char *path, long number)
{
	char text[24];
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	int length = snprintf(text, sizeof(text), "%ld", number);
	int error = write(fd, text, length) < 0 ? errno : 0;
	close(fd);
	return error;
}

/* A page of the driver that is mergeable, and never touched: ksmd scans only if there is one. */
HELPER int probe_ksm(void)
{
	int lock = open(KSM "run", O_RDWR | O_CLOEXEC);

	if (lock < 0)
		return errno;
	if (flock(lock, LOCK_EX) < 0)
		return errno;
	long running = read_ksm(KSM "run");
	if (running)
		return running < 0 ? -running : EBUSY;
	char *page = mmap(NULL, page_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED || madvise(page, page_bytes, MADV_DONTFORK) < 0 ||
	    madvise(page, page_bytes, MADV_MERGEABLE) < 0)
		return errno;
	return 0;
}
