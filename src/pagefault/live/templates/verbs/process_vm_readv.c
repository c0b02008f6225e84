/* r0 = process_vm_readv(P, A[1]) */
HELPER long read_remote(int process, int page, int cell)
{
	signed char value = 0;
	struct iovec local = { &value, 1 };
	struct iovec remote = { (void *)cell_of(page, cell), 1 };

	if (shared->seat[process].state == NEW)
		return -ESRCH;
	while (process_vm_readv(shared->seat[process].pid, &local, 1, &remote, 1, 0) < 0) {
		int error = errno;
		if (!waits_for_answer(error, process, page, 0))
			return -error;
		blocked();
	}
	return value;
}
