/* memlock(1): without CAP_IPC_LOCK the limit holds for root, too. */

#include <linux/capability.h>
#include <sys/resource.h>

HELPER long limit_locked(int pages)
{
	struct rlimit limit = { bytes_of(pages), bytes_of(pages) };
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	data[0].effective &= ~(1u << CAP_IPC_LOCK);
	if (syscall(SYS_capset, &header, data) < 0)
		return -errno;
	return setrlimit(RLIMIT_MEMLOCK, &limit) < 0 ? -errno : 0;
}

/* mlock(A..B[, onfault]) */
HELPER long lock(int page, int pages, int flags)
{
	return syscall(SYS_mlock2, address(page), bytes_of(pages), flags) < 0 ? -errno : 0;
}

/* mlockall([current][, future][, onfault]) */
HELPER long lock_all(int flags)
{
	return mlockall(flags) < 0 ? -errno : 0;
}

/* munlockall() */
HELPER long unlock_all(void)
{
	return munlockall() < 0 ? -errno : 0;
}

/* munlock(A..B) */
HELPER long unlock(int page, int pages)
{
	return munlock(address(page), bytes_of(pages)) < 0 ? -errno : 0;
}
