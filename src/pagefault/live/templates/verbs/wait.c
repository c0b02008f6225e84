/* wait(C): the child stays a zombie, so that one may wait for it again. */
HELPER long wait_for(int child)
{
	if (shared->seat[child].state == NEW)
		return -ECHILD;
	for (;;) {
		siginfo_t info = { .si_pid = 0 };
		if (waitid(P_PID, shared->seat[child].pid, &info, WEXITED | WNOWAIT | WNOHANG) < 0)
			return -errno;
		if (info.si_pid != 0)
			return 0;
		blocked();
	}
}
