/* userfaultfd, where a task of the test answers. With UFFD_FEATURE_SIGBUS who would wait gets a
 * signal instead, and so the statement cannot be done now. */

struct uffd_copy { uint64_t dst, src, len, mode; int64_t copy; };
struct uffd_writeprotect { uint64_t start, len, mode; };
#define UFFD_COPY_IOCTL _IOWR(0xAA, 0x03, struct uffd_copy)
#define UFFD_MOVE_IOCTL _IOWR(0xAA, 0x05, struct uffd_copy)
struct uffd_continue { uint64_t start, len, mode; int64_t mapped; };
#define UFFD_CONTINUE_IOCTL _IOWR(0xAA, 0x07, struct uffd_continue)
#define UFFD_WRITEPROTECT_IOCTL _IOWR(0xAA, 0x06, struct uffd_writeprotect)

enum {
	UFFD_MODE_MISSING = 1, UFFD_MODE_WP = 2, UFFD_MODE_MINOR = 4,
	UFFD_HAS_WP = 1 << 0, UFFD_HAS_SIGBUS = 1 << 7, UFFD_HAS_MINOR_SHMEM = 1 << 10,
	UFFD_HAS_MOVE = 1 << 16,
};

static int userfaults = -1;	/* the process' descriptor */
static int userfaults_of;	/* the process: a child has its parent's */

/* The descriptor, or -errno. */
static int open_userfaults(uint64_t features)
{
	struct uffd_api api = { .api = 0xAA, .features = UFFD_HAS_SIGBUS | features };
	int fd = open_uffd();

	if (fd < 0)
		return -errno;
	if (ioctl(fd, UFFD_API_IOCTL, &api) == 0)
		return fd;
	close(fd);
	return -EOPNOTSUPP;
}

HELPER int probe_userfaults(uint64_t features)
{
	int fd = open_userfaults(features);

	if (fd < 0)
		return -fd;
	close(fd);
	return 0;
}

HELPER int probe_uffd_missing(void)
{
	return probe_userfaults(0);
}

HELPER int probe_uffd_wp(void)
{
	return probe_userfaults(UFFD_HAS_WP);
}

HELPER int probe_uffd_move(void)
{
	return probe_userfaults(UFFD_HAS_MOVE);
}

HELPER int probe_uffd_minor(void)
{
	return probe_userfaults(UFFD_HAS_MINOR_SHMEM);
}

/* Of this process, asked for when it is first needed. -errno if there is none. */
HELPER int own_userfaults(void)
{
	if (userfaults_of == getpid())
		return userfaults;
	userfaults = open_userfaults(0);
	if (userfaults == -EOPNOTSUPP || userfaults == -EPERM)
		unable("userfaultfd");
	userfaults_of = getpid();
	wait_at_sigbus = 1;
	return userfaults;
}

HELPER long uffd_ioctl(unsigned long request, void *argument)
{
	return ioctl(own_userfaults(), request, argument) < 0 ? -errno : 0;
}

/* uffd_register(A..B, missing) */
HELPER long uffd_register(int page, int pages, int mode)
{
	struct uffd_register range = { (uint64_t)address(page), bytes_of(pages), mode, 0 };

	return uffd_ioctl(UFFD_REGISTER_IOCTL, &range);
}

/* uffd_copy(A[1], 5) */
HELPER long uffd_copy(int page, int cell, long value)
{
	static signed char sources[MAX_TASKS][65536];
	signed char *from = sources[me];

	memset(from, 0, page_bytes);
	from[cell * CELL_DISTANCE] = value;
	struct uffd_copy copy = { (uint64_t)address(page), (uint64_t)from, page_bytes, 0, 0 };
	return uffd_ioctl(UFFD_COPY_IOCTL, &copy);
}

/* uffd_wp(A..B), uffd_unprotect(A..B) */
HELPER long uffd_writeprotect(int page, int pages, int protect)
{
	struct uffd_writeprotect range = { (uint64_t)address(page), bytes_of(pages), protect };

	return uffd_ioctl(UFFD_WRITEPROTECT_IOCTL, &range);
}

/* uffd_move(A, B) */
HELPER long uffd_move(int page, int to)
{
	struct uffd_copy move = {
		(uint64_t)address(to), (uint64_t)address(page), page_bytes, 0, 0
	};

	return uffd_ioctl(UFFD_MOVE_IOCTL, &move);
}

/* uffd_continue(A) */
HELPER long uffd_continue(int page)
{
	struct uffd_continue range = { (uint64_t)address(page), page_bytes, 0, 0 };

	return uffd_ioctl(UFFD_CONTINUE_IOCTL, &range);
}
