/* Drivers whose buffer can be mapped: a ring of io_uring for provided buffers, a ring of a packet
 * socket on no device, a bpf array, ring buffer or arena, the buffer of a perf event that counts
 * nothing. Each schedule has a new one, full of zeros. */

#include <sys/socket.h>

/* struct io_uring_buf_reg. Entries of 16 bytes; their number must be a power of two. */
static int set_ring(int fd, int pages)
{
	struct { uint64_t address; uint32_t entries; uint16_t group, flags; uint64_t resv[3]; } ring = {
		0, page_bytes / 16, 0, 1 /* IOU_PBUF_RING_MMAP */, { 0 }
	};

	while (ring.entries < pages * page_bytes / 16)
		ring.entries *= 2;
	return syscall(427 /* io_uring_register */, fd, 22 /* IORING_REGISTER_PBUF_RING */, &ring, 1);
}

HELPER int unset_ring(int fd)
{
	uint64_t ring[5] = { 0 };

	return syscall(427 /* io_uring_register */, fd, 23 /* IORING_UNREGISTER_PBUF_RING */, ring, 1);
}

static int set_packet_ring(int fd, int pages)
{
	struct { unsigned block_size, blocks, frame_size, frames; } ring = {
		page_bytes, pages, page_bytes, pages
	};

	if (pages == 0)
		memset(&ring, 0, sizeof(ring));
	return setsockopt(fd, 263 /* SOL_PACKET */, 5 /* PACKET_RX_RING */, &ring, sizeof(ring));
}

/* fd, unless `failed`. */
static int opened(int fd, int failed)
{
	int error = errno;

	if (!failed)
		return fd;
	close(fd);
	errno = error;
	return -1;
}

static int open_ring(int pages)
{
	uint32_t params[30] = { 0 };	/* struct io_uring_params */
	int fd = syscall(425 /* io_uring_setup */, 1, params);

	return fd < 0 ? fd : opened(fd, set_ring(fd, pages) < 0);
}

static int open_packet(int pages)
{
	int fd = socket(17 /* AF_PACKET */, SOCK_RAW | SOCK_CLOEXEC, 0);

	return fd < 0 ? fd : opened(fd, set_packet_ring(fd, pages) < 0);
}

/* An element is a cell, with what follows it. */
static int open_bpf(int pages)
{
	struct { uint32_t type, key_size, value_size, entries, flags; } map = {
		2 /* BPF_MAP_TYPE_ARRAY */, 4, CELL_DISTANCE, pages * CELLS, 1 << 10 /* BPF_F_MMAPABLE */
	};

	return syscall(SYS_bpf, 0 /* BPF_MAP_CREATE */, &map, sizeof(map));
}

/* One page of data, that is mapped twice, after those of the consumer and the producer. */
static int open_ringbuf(int pages)
{
	struct { uint32_t type, key_size, value_size, entries, flags; } map = {
		27 /* BPF_MAP_TYPE_RINGBUF */, 0, 0, page_bytes, 0
	};

	(void)pages;
	return syscall(SYS_bpf, 0 /* BPF_MAP_CREATE */, &map, sizeof(map));
}

/* Whoever maps it first chooses the place. */
static int open_arena(int pages)
{
	struct { uint32_t type, key_size, value_size, entries, flags; } map = {
		33 /* BPF_MAP_TYPE_ARENA */, 0, 0, pages, 1 << 10 /* BPF_F_MMAPABLE */
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
		[BPF] = open_bpf, [RINGBUF] = open_ringbuf, [ARENA] = open_arena, [PERF] = open_perf,
	};

	return open_one[kind](pages);
}

/* A file of io_uring chooses the address itself, the highest that is free. So for a moment nothing
 * is free above the place where the test wants the pages. */

#define RING_OFFSET 0x80000000L	/* IORING_OFF_PBUF_RING, of group 0 */

enum { MAX_GAPS = 64 };

static int fill_gaps(uintptr_t from, uintptr_t (*gap)[2])
{
	static char maps[1 << 17];
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC), gaps = 0;
	size_t length = 0;
	ssize_t got;

	while (fd >= 0 && (got = read(fd, maps + length, sizeof(maps) - 1 - length)) > 0)
		length += got;
	close(fd);
	maps[length] = 0;
	for (char *line = maps; *line && gaps < MAX_GAPS; line = strchrnul(line, '\n') + 1) {
		char *after;
		uintptr_t start = strtoul(line, &after, 16), end = strtoul(after + 1, NULL, 16);

		if (start >= 1UL << 47)
			break;
		if (start > from && mmap((void *)from, start - from, PROT_NONE,
					 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
					 MAP_FIXED_NOREPLACE, -1, 0) != MAP_FAILED) {
			gap[gaps][0] = from;
			gap[gaps++][1] = start;
		}
		if (end > from)
			from = end;
	}
	return gaps;
}

static void *map_where_it_must(char *place, size_t bytes, int prot, int flags, int fd, off_t offset)
{
	uintptr_t gap[MAX_GAPS][2];
	int error, gaps;
	void *got = mmap(place, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
			 -1, 0);

	if (got == MAP_FAILED)
		return got;
	gaps = fill_gaps((uintptr_t)place + bytes, gap);
	munmap(place, bytes);
	got = mmap(NULL, bytes, prot, flags & ~MAP_FIXED_NOREPLACE, fd, offset);
	error = errno;
	while (gaps--)
		munmap((void *)gap[gaps][0], gap[gaps][1] - gap[gaps][0]);
	if (got != MAP_FAILED && got != place)
		unable("the kernel maps a ring of io_uring elsewhere");
	errno = error;
	return got;
}

static void *map_a_driver(enum file_kind kind, char *place, size_t bytes, int prot, int flags, int fd)
{
	if (kind != IO_URING)
		return mmap(place, bytes, prot, flags, fd, 0);
	if (flags & MAP_FIXED)
		return mmap(place, bytes, prot, flags, fd, RING_OFFSET);
	return map_where_it_must(place, bytes, prot, flags, fd, RING_OFFSET);
}

static int probe_driver(enum file_kind kind)
{
	int fd = open_a_driver(kind, 1), error = 0;
	void *got;

	if (fd < 0)
		return errno;
	got = mmap(NULL, page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		   kind == IO_URING ? RING_OFFSET : 0);
	if (got == MAP_FAILED)
		error = errno;
	else
		munmap(got, page_bytes);
	close(fd);
	open_driver = open_a_driver;
	map_driver = map_a_driver;
	return error;
}

HELPER int probe_rings(void)
{
	return probe_driver(IO_URING);
}

HELPER int probe_packet_rings(void)
{
	return probe_driver(PACKET);
}

HELPER int probe_bpf_arrays(void)
{
	return probe_driver(BPF);
}

HELPER int probe_bpf_ring_buffers(void)
{
	return probe_driver(RINGBUF);
}

HELPER int probe_bpf_arenas(void)
{
	return probe_driver(ARENA);
}

HELPER int probe_perf_buffers(void)
{
	return probe_driver(PERF);
}
