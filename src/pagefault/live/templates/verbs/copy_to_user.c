/* copy_to_user(A[1], 5): by read(2) of a pipe that has one byte. */
HELPER long copy_to_user(int page, int cell, int value)
{
	signed char byte = value;
	int end[2];
	long error = 0;

	if (pipe(end) < 0)
		return -errno;
	if (write(end[1], &byte, 1) != 1 ||
	    read(end[0], (char *)address(page) + cell * CELL_DISTANCE, 1) != 1)
		error = -errno;
	close(end[0]);
	close(end[1]);
	return error;
}
