/* userfaultfd: pages that are missing until somebody supplies them. */

struct uffd_api { uint64_t api, features, ioctls; };
struct uffd_register { uint64_t start, len, mode, ioctls; };
struct uffd_zeropage { uint64_t start, len, mode; int64_t zeropage; };
#define UFFD_API_IOCTL _IOWR(0xAA, 0x3F, struct uffd_api)
#define UFFD_REGISTER_IOCTL _IOWR(0xAA, 0x00, struct uffd_register)
#define UFFD_ZEROPAGE_IOCTL _IOWR(0xAA, 0x04, struct uffd_zeropage)

static int open_uffd(void)
{
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 && errno == EPERM) {
		int device = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
		if (device < 0) {
			errno = EPERM;
			return -1;
		}
		fd = ioctl(device, _IO(0xAA, 0x00), O_CLOEXEC | O_NONBLOCK);
		close(device);
	}
	return fd;
}

/* Whoever needs a page of the range waits. The file descriptor, or -1 with errno set. */
HELPER int catch_missing(char *start, size_t bytes)
{
	struct uffd_api api = { .api = 0xAA };
	struct uffd_register range = { (uint64_t)start, bytes, 1 /* MODE_MISSING */, 0 };
	int fd = open_uffd();

	if (fd < 0)
		return -1;
	if (ioctl(fd, UFFD_API_IOCTL, &api) < 0 || ioctl(fd, UFFD_REGISTER_IOCTL, &range) < 0)
		return -1;
	return fd;
}

/* Let who waits for this page go on, with zeros. */
HELPER void supply(int fd, char *at)
{
	struct uffd_zeropage page = { (uint64_t)at, page_bytes, 0, 0 };

	ioctl(fd, UFFD_ZEROPAGE_IOCTL, &page);
}
