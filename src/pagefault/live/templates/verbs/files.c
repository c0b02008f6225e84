/* Files: on a disk whose file system wants to know of the first store to a clean page
 * (page_mkwrite()), in memory, out of the direct map, and drivers'. The test's driver makes them;
 * they are full of zeros when a schedule starts. */

#include <sys/stat.h>
#include <sys/vfs.h>

static int file_fd[MAX_FILES][FILE_KINDS] = {
	[0 ... MAX_FILES - 1] = { [0 ... FILE_KINDS - 1] = -1 }
};

/* Of drivers.c. */
static int (*open_driver)(enum file_kind kind, int pages);
static void *(*map_driver)(enum file_kind kind, char *place, size_t bytes, int prot, int flags,
			   int fd);
static void (*forget_uprobes)(void);	/* of uprobes.c */

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

HELPER int probe_shmem_files(void)
{
	for (int f = 0; f < MAX_FILES; f++) {
		file_fd[f][1] = syscall(SYS_memfd_create, "file", 1 /* MFD_CLOEXEC */);
		if (file_fd[f][1] < 0)
			return errno;
	}
	return 0;
}

/* One that has its size cannot have another: each schedule gets a new one. */
static int fresh_secret_file(int f)
{
	if (file_fd[f][SECRET] >= 0)
		close(file_fd[f][SECRET]);
	file_fd[f][SECRET] = syscall(SYS_memfd_secret, O_CLOEXEC);
	return file_fd[f][SECRET] < 0 ? errno : 0;
}

HELPER int probe_secret_files(void)
{
	return fresh_secret_file(0);
}

/* A file without a name. -1 if the folder is in memory, or none of ours. */
static int open_on_disk(const char *folder)
{
	struct statfs fs;
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		return -1;
	if (fstatfs(fd, &fs) == 0 && fs.f_type != 0x01021994 /* tmpfs */ && fs.f_type != 0x858458f6)
		return fd;
	close(fd);
	return -1;
}

HELPER int probe_regular_files(void)
{
	const char *folder[] = { getenv("PAGEFAULT_FS"), getenv("TMPDIR"), "/var/tmp", "/tmp", "." };

	for (int f = 0; f < MAX_FILES; f++)
		for (int i = 0; file_fd[f][0] < 0; i++) {
			if (i == sizeof(folder) / sizeof(*folder))
				return ENODEV;
			if (folder[i])
				file_fd[f][0] = open_on_disk(folder[i]);
		}
	return 0;
}

HELPER int file_of(int file)
{
	return file_fd[file][test->file[file].kind];
}

/* A secret file ends within its last page, which the kernel has to think of. */
static int set_length(int file, int pages)
{
	long bytes = bytes_of(pages);

	if (test->file[file].kind == SECRET && pages > 0)
		bytes -= 8;
	return ftruncate(file_of(file), bytes);
}

static void fresh_driver(int f)
{
	int *fd = &file_fd[f][test->file[f].kind];

	if (*fd >= 0)
		close(*fd);
	*fd = open_driver(test->file[f].kind, test->file[f].pages);
	if (*fd < 0)
		die("a driver");
}

/* A driver's file that was closed was closed for us, too. */
static void forget_closed_files(void)
{
	for (int f = 0; f < test->files; f++)
		if (shared->closed[f] && test->file[f].kind > SECRET)
			file_fd[f][test->file[f].kind] = -1;
}

static void fresh_files(void)
{
	if (forget_uprobes)
		forget_uprobes();
	for (int f = 0; f < test->files; f++) {
		if (test->file[f].kind > SECRET) {
			fresh_driver(f);
			continue;
		}
		if (test->file[f].kind == SECRET) {
			if (fresh_secret_file(f) || set_length(f, test->file[f].pages) < 0)
				die("memfd_secret");
			continue;
		}
		if (ftruncate(file_of(f), 0) < 0 ||
		    ftruncate(file_of(f), bytes_of(test->file[f].pages)) < 0)
			die("ftruncate");
	}
}

/* A, B = mmap_file(f, shmem, private, rw) */
HELPER long map_file(int page, int pages, int file, int prot, int flags)
{
	enum file_kind kind = test->file[file].kind;
	void *got;

	if (shared->closed[file])
		return -EBADF;
	if (kind > SECRET)
		got = map_driver(kind, address(page), bytes_of(pages), prot, flags, file_of(file));
	else
		got = mmap(address(page), bytes_of(pages), prot, flags, file_of(file), 0);
	return got == MAP_FAILED ? -errno : 0;
}

static off_t offset_of(int offset)
{
	return bytes_of(offset / CELLS) + offset % CELLS * CELL_DISTANCE;
}

/* r0 = pread(f[5]) */
HELPER long read_file(int file, int offset)
{
	signed char value;
	ssize_t length = pread(file_of(file), &value, 1, offset_of(offset));

	if (length < 0)
		return -errno;
	return length == 0 ? -ENOENT : value;
}

/* pwrite(f[5], 1). A file ends with a page. */
HELPER long write_file(int file, int offset, long value)
{
	signed char byte = value;
	struct stat now;

	if (pwrite(file_of(file), &byte, 1, offset_of(offset)) < 0 || fstat(file_of(file), &now) < 0)
		return -errno;
	if (now.st_size % bytes_of(1) == 0)
		return 0;
	return ftruncate(file_of(file), bytes_of(now.st_size / bytes_of(1) + 1)) < 0 ? -errno : 0;
}

HELPER long sync_file(int file)
{
	return fsync(file_of(file)) < 0 ? -errno : 0;
}

HELPER long truncate_file(int file, int pages)
{
	return set_length(file, pages) < 0 ? -errno : 0;
}

/* Of a driver's file this is the last descriptor, for all tasks have one table of them then. Of
 * others the test's driver has one more, which keeps the file: nobody can tell. */
HELPER long close_file(int file)
{
	if (shared->closed[file])
		return -EBADF;
	shared->closed[file] = 1;
	return close(file_of(file)) < 0 ? -errno : 0;
}

HELPER long drop_cache(int file)
{
	if (fsync(file_of(file)) < 0)
		return -errno;
	return -posix_fadvise(file_of(file), 0, 0, POSIX_FADV_DONTNEED);
}
