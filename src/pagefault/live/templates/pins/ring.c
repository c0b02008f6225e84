/* A pin for writing: a registered buffer of io_uring (FOLL_PIN | FOLL_WRITE | FOLL_LONGTERM), and
 * DMA through it by WRITE_FIXED and READ_FIXED to and from a file in memory. The rings belong to
 * the driver: a pin outlives the process that took it. */

struct sqe {		/* struct io_uring_sqe */
	uint8_t opcode, flags;
	uint16_t ioprio;
	int32_t fd;
	uint64_t off, addr;
	uint32_t len, rw_flags;
	uint64_t user_data;
	uint16_t buf_index, personality;
	int32_t splice_fd_in;
	uint64_t pad[2];
};

struct cqe {		/* struct io_uring_cqe */
	uint64_t user_data;
	int32_t res;
	uint32_t flags;
};

struct ring_params {	/* struct io_uring_params */
	uint32_t sq_entries, cq_entries, flags, sq_thread_cpu, sq_thread_idle, features, wq_fd;
	uint32_t resv[3];
	struct {
		uint32_t head, tail, ring_mask, ring_entries, flags, dropped, array, resv1;
		uint64_t user_addr;
	} sq_off;
	struct {
		uint32_t head, tail, ring_mask, ring_entries, overflow, cqes, flags, resv1;
		uint64_t user_addr;
	} cq_off;
};

enum {
	READ_FIXED = 4, WRITE_FIXED = 5,		/* opcodes */
	ENTER_GETEVENTS = 1,
	REGISTER_BUFFERS = 0, UNREGISTER_BUFFERS = 1,
	SQ_RING = 0, CQ_RING = 0x8000000, SQES = 0x10000000,	/* offsets to map */
};

static struct ring {
	int fd, file;		/* the ring; the other end of the DMA */
	uint32_t *sq_tail, *sq_array, *cq_head;
	struct sqe *sqe;
	struct cqe *cqe;
	uint32_t cq_mask;
} ring[MAX_PINS];

static void *map_ring(int fd, size_t bytes, off_t at)
{
	return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, at);
}

/* 0 or an errno. */
static int set_up_ring(struct ring *ring)
{
	struct ring_params p = { .flags = 0 };
	char *sq, *cq;

	ring->fd = syscall(SYS_io_uring_setup, 2, &p);
	if (ring->fd < 0)
		return errno;
	sq = map_ring(ring->fd, p.sq_off.array + p.sq_entries * sizeof(uint32_t), SQ_RING);
	cq = map_ring(ring->fd, p.cq_off.cqes + p.cq_entries * sizeof(struct cqe), CQ_RING);
	ring->sqe = map_ring(ring->fd, p.sq_entries * sizeof(struct sqe), SQES);
	ring->file = syscall(SYS_memfd_create, "dma", 0);
	if (sq == MAP_FAILED || cq == MAP_FAILED || (void *)ring->sqe == MAP_FAILED || ring->file < 0)
		return errno;
	ring->sq_tail = (uint32_t *)(sq + p.sq_off.tail);
	ring->sq_array = (uint32_t *)(sq + p.sq_off.array);
	ring->cq_head = (uint32_t *)(cq + p.cq_off.head);
	ring->cqe = (struct cqe *)(cq + p.cq_off.cqes);
	ring->cq_mask = *(uint32_t *)(cq + p.cq_off.ring_mask);
	return 0;
}

/* One byte between the buffer and the file: 0 or a negative errno. */
static long transfer(struct ring *ring, int opcode, int page, int cell)
{
	uint32_t tail = *ring->sq_tail, head = *ring->cq_head;
	long result;

	memset(ring->sqe, 0, sizeof(*ring->sqe));
	ring->sqe->opcode = opcode;
	ring->sqe->fd = ring->file;
	ring->sqe->addr = (uint64_t)cell_of(page, cell);
	ring->sqe->len = 1;
	ring->sq_array[tail & 1] = 0;
	__atomic_store_n(ring->sq_tail, tail + 1, __ATOMIC_RELEASE);
	do
		result = syscall(SYS_io_uring_enter, ring->fd, 1, 1, ENTER_GETEVENTS, NULL, 0);
	while (result < 0 && errno == EINTR);
	if (result < 0)
		return -errno;
	result = ring->cqe[head & ring->cq_mask].res;
	__atomic_store_n(ring->cq_head, head + 1, __ATOMIC_RELEASE);
	return result == 1 ? 0 : result < 0 ? result : -EIO;
}

HELPER long ring_pin(int pin, int page)
{
	struct iovec buffer = { address(page), page_bytes };
	int error = 0;

	while (syscall(SYS_io_uring_register, ring[pin].fd, REGISTER_BUFFERS, &buffer, 1) < 0) {
		error = errno;
		if (!waits_for_answer(error, me, page, 1))
			break;
		error = 0;
		blocked();
	}
	if (error == EOPNOTSUPP)
		unable("io_uring takes no memory of files before 6.5");
	return pin_taken(&shared->pin[pin], page, 1, error);
}

HELPER long ring_read(int n, int cell)
{
	struct pin *pin = &shared->pin[n];
	signed char value = 0;
	long error = use_pin(pin, 0);

	if (error)
		return error;
	error = transfer(&ring[n], WRITE_FIXED, pin->page, cell);
	if (!error && pread(ring[n].file, &value, 1, 0) < 0)
		error = -errno;
	unlock_pin(pin);
	return error ? error : value;
}

HELPER long ring_write(int n, int cell, long value)
{
	struct pin *pin = &shared->pin[n];
	signed char byte = value;
	long error = use_pin(pin, 1);

	if (error)
		return error;
	if (pwrite(ring[n].file, &byte, 1, 0) < 0)
		error = -errno;
	else
		error = transfer(&ring[n], READ_FIXED, pin->page, cell);
	unlock_pin(pin);
	return error;
}

HELPER long ring_unpin(int n)
{
	struct pin *pin = &shared->pin[n];
	long error = find_to_drop(pin);

	if (error)
		return error;
	if (syscall(SYS_io_uring_register, ring[n].fd, UNREGISTER_BUFFERS, NULL, 0) < 0)
		error = -errno;
	else
		pin->state = PIN_DROPPED;
	unlock_pin(pin);
	return error;
}

static void ring_drop(int n)
{
	if (shared->pin[n].state == PIN_HELD)
		syscall(SYS_io_uring_register, ring[n].fd, UNREGISTER_BUFFERS, NULL, 0);
}

static int probe_io_uring(void)
{
	for (int n = 0; n < MAX_PINS; n++) {
		int error = set_up_ring(&ring[n]);
		if (error)
			return error;
	}
	return 0;
}
