/* r0 = ptrace_peek(P, A[1]): the process stops for it where it waits for its turn. */

#include <sys/ptrace.h>

static long seize(int pid)
{
	int status;

	if (syscall(SYS_ptrace, PTRACE_SEIZE, pid, 0, 0) < 0)
		return -errno;
	if (syscall(SYS_ptrace, PTRACE_INTERRUPT, pid, 0, 0) < 0 ||
	    waitpid(pid, &status, __WALL) < 0)
		return -errno;
	return 0;
}

HELPER long peek(int process, int page, int cell)
{
	struct seat *seat = &shared->seat[process];
	long word, error;

	if (seat->state == NEW)
		return -ESRCH;
	error = seize(seat->pid);
	if (error)
		return error;
	if (syscall(SYS_ptrace, PTRACE_PEEKDATA, seat->pid, cell_of(page, cell), &word) < 0)
		error = -errno;
	syscall(SYS_ptrace, PTRACE_DETACH, seat->pid, 0, 0);
	return error ? error : (signed char)word;
}

static int probe_ptrace(void)
{
	int pid = fork(), status;

	if (pid < 0)
		return errno;
	while (pid == 0)
		pause();
	long error = seize(pid);
	kill(pid, SIGKILL);
	waitpid(pid, &status, __WALL);
	return -error;
}
