/* r0 = A[1] */
HELPER long load(int page, int cell)
{
	int signal = sigsetjmp(escape, 0);

	if (signal)
		return -(SIGNAL_BASE + signal);
	return *cell_of(page, cell);
}
