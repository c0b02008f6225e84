/* ioctl(f, discard), ioctl(f, realloc) */
HELPER long free_buffer(int file, int again)
{
	enum file_kind kind = test->file[file].kind;
	int fd = file_of(file), pages = test->file[file].pages;

	if (shared->closed[file])
		return -EBADF;
	if ((kind == IO_URING ? unset_ring(fd) : set_packet_ring(fd, 0)) < 0)
		return -errno;
	if (again && (kind == IO_URING ? set_ring(fd, pages) : set_packet_ring(fd, pages)) < 0)
		return -errno;
	return 0;
}

static long use_element(int command, int file, uint32_t key, char *value)
{
	struct { uint64_t fd; void *key, *value; uint64_t flags; } element = {
		file_of(file), &key, value, 0
	};

	if (shared->closed[file])
		return -EBADF;
	return syscall(SYS_bpf, command, &element, sizeof(element)) < 0 ? -errno : 0;
}

/* r0 = kread(f[5]) */
HELPER long kernel_read(int file, int cell)
{
	char value[CELL_DISTANCE];
	long error = use_element(1 /* BPF_MAP_LOOKUP_ELEM */, file, cell, value);

	return error ? error : (signed char)value[0];
}

/* kwrite(f[5], 1) */
HELPER long kernel_write(int file, int cell, long byte)
{
	char value[CELL_DISTANCE] = { byte };

	return use_element(2 /* BPF_MAP_UPDATE_ELEM */, file, cell, value);
}
