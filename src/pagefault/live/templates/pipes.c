/* Pipes of PIPE_PAGES pages, that the driver makes. */

static int pipe_end[MAX_PIPES][2] = { { -1, -1 }, { -1, -1 } };

static int make_pipe(int end[2])
{
	if (pipe2(end, O_NONBLOCK) < 0)
		return errno;
	if (fcntl(end[1], F_SETPIPE_SZ, PIPE_PAGES * page_bytes) != PIPE_PAGES * page_bytes)
		return errno ? errno : EINVAL;
	return 0;
}

HELPER int probe_pipes(void)
{
	int error = make_pipe(pipe_end[0]);

	return error ? error : make_pipe(pipe_end[1]);
}

static void drain(int end)
{
	static char rest[65536];

	while (read(end, rest, sizeof(rest)) > 0)
		;
}
