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

/* munlock(A..B) */
HELPER long unlock(int page, int pages)
{
	return munlock(address(page), bytes_of(pages)) < 0 ? -errno : 0;
}
