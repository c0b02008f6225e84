/* A[1] = 5 */
HELPER void store(int page, int cell, long value)
{
	int signal;

	do {
		signal = sigsetjmp(escape, 0);
		if (!signal)
			*cell_of(page, cell) = value;
	} while (signal && waited_for_answer(signal));
}
