/* r0 = read(p[1]): the oldest page leaves the pipe. */
HELPER long read_page(int pipe, int cell)
{
	static signed char copies[MAX_TASKS][65536];
	signed char *copy = copies[me];

	while (read(pipe_end[pipe][0], copy, page_bytes) < 0) {
		if (errno != EAGAIN)
			return -errno;
		blocked();
	}
	return copy[cell * CELL_DISTANCE];
}
