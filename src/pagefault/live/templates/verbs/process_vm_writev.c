/* process_vm_writev(P, A[1], 5) */
HELPER long write_remote(int process, int page, int cell, long value)
{
	signed char byte = value;
	struct iovec local = { &byte, 1 };
	struct iovec remote = { (void *)cell_of(page, cell), 1 };

	if (shared->seat[process].state == NEW)
		return -ESRCH;
	while (process_vm_writev(shared->seat[process].pid, &local, 1, &remote, 1, 0) < 0) {
		int error = errno;
		if (!waits_for_answer(error, process, page, 1))
			return -error;
		blocked();
	}
	return 0;
}
