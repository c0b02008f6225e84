/* vmsplice(A, p): a FOLL_GET reference to the page, in a pipe of PIPE_PAGES pages. */
HELPER long splice_page(int page, int pipe)
{
	struct iovec buffer = { address(page), page_bytes };

	while (vmsplice(pipe_end[pipe][1], &buffer, 1, SPLICE_F_NONBLOCK) < 0) {
		if (errno != EAGAIN)
			return -errno;
		blocked();
	}
	return 0;
}
