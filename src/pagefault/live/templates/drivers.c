/* Drivers whose buffer can be mapped: a ring of io_uring (its array of SQEs, that the kernel reads
 * only when it is told to), a ring of a packet socket on no device, a bpf array, the buffer of a
 * perf event that counts nothing. Each schedule has a new one, full of zeros. */

#include <sys/socket.h>

static int open_ring(int pages)
{
	uint32_t params[30] = { 0 };	/* struct io_uring_params */
	int entries = 64;		/* SQEs of 64 bytes in a page */

	while (entries < 64 * pages)
		entries *= 2;
	return syscall(425 /* io_uring_setup */, entries, params);
}

static int open_packet(int pages)
{
	struct { unsigned block_size, blocks, frame_size, frames; } ring = {
		page_bytes, pages, page_bytes, pages
	};
	int fd = socket(17 /* AF_PACKET */, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd >= 0 && setsockopt(fd, 263 /* SOL_PACKET */, 5 /* RX_RING */, &ring, sizeof(ring)) < 0) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

static int open_bpf(int pages)
{
	struct { uint32_t type, key_size, value_size, entries, flags; } map = {
		2 /* BPF_MAP_TYPE_ARRAY */, 4, page_bytes, pages, 1 << 10 /* BPF_F_MMAPABLE */
	};

	return syscall(SYS_bpf, 0 /* BPF_MAP_CREATE */, &map, sizeof(map));
}

static int open_perf(int pages)
{
	struct { uint32_t type, size; uint64_t config, rest[6]; } event = {
		1 /* PERF_TYPE_SOFTWARE */, sizeof(event), 9 /* PERF_COUNT_SW_DUMMY */, { 0, 0, 0, 1 }
	};

	(void)pages;	/* the control page, and as many data pages as are mapped */
	return syscall(SYS_perf_event_open, &event, 0, -1, -1, 8 /* PERF_FLAG_FD_CLOEXEC */);
}

static int open_a_driver(enum file_kind kind, int pages)
{
	int (*const open_one[FILE_KINDS])(int) = {
		[IO_URING] = open_ring, [PACKET] = open_packet,
		[BPF] = open_bpf, [PERF] = open_perf,
	};

	return open_one[kind](pages);
}

static int probe_driver(enum file_kind kind, off_t offset)
{
	int fd = open_a_driver(kind, 1), error = 0;
	void *got;

	if (fd < 0)
		return errno;
	/* At an address of our choice: that is where a test wants it. */
	got = mmap(NULL, page_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(got, page_bytes);
	got = mmap(got, page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, offset);
	if (got == MAP_FAILED)
		error = errno;
	else
		munmap(got, page_bytes);
	close(fd);
	open_driver = open_a_driver;
	return error;
}

HELPER int probe_rings(void)
{
	return probe_driver(IO_URING, RING_OFFSET);
}

HELPER int probe_packet_rings(void)
{
	return probe_driver(PACKET, 0);
}

HELPER int probe_bpf_arrays(void)
{
	return probe_driver(BPF, 0);
}

HELPER int probe_perf_buffers(void)
{
	return probe_driver(PERF, 0);
}
