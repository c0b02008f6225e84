/* splice(f[5], p): the page of a file that has the cell, by reference where the file can do that. */
HELPER long splice_file(int file, int offset, int pipe)
{
	off_t at = bytes_of(offset / CELLS);
	ssize_t length;

	for (;;) {
		length = splice(file_of(file), &at, pipe_end[pipe][1], NULL, page_bytes,
				SPLICE_F_NONBLOCK);
		if (length >= 0)
			return length == 0 ? -ENOENT : 0;
		if (errno != EAGAIN)
			return -errno;
		blocked();
	}
}
