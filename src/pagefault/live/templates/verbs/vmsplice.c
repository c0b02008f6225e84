/* vmsplice(A, p): a FOLL_GET reference to the page, in a pipe of PIPE_PAGES pages. */
HELPER long splice_page(int page, int pipe)
{
	struct iovec buffer = { address(page), page_bytes };

	while (vmsplice(pipe_end[pipe][1], &buffer, 1, SPLICE_F_NONBLOCK) < 0) {
		int error = errno;
		if (error != EAGAIN && !waits_for_answer(error, me, page, 0))
			return -error;
		blocked();
	}
	return 0;
}
