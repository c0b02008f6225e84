/* r0 = A[1] */
HELPER long load(int page, int cell)
{
	int signal;

	do {
		signal = sigsetjmp(escape, 0);
		if (!signal)
			return *cell_of(page, cell);
	} while (waited_for_answer(signal));
	return -(SIGNAL_BASE + signal);
}
