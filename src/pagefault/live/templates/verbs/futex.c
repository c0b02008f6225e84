/* futex(A, shared): nobody sleeps there, so that nobody is woken. */
HELPER long look_up_futex(int page, int operation)
{
	return syscall(SYS_futex, address(page), operation, 1, NULL, NULL, 0) < 0 ? -errno : 0;
}
