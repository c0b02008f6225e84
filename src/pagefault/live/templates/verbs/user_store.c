/* A[1] = 5 */
HELPER void store(int page, int cell, long value)
{
	if (sigsetjmp(escape, 0) == 0)
		*cell_of(page, cell) = value;
}
