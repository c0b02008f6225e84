/* fork(C) */
HELPER long fork_task(int child)
{
	long error = start_process(child);

	if (!error)
		await_birth(child);
	return error;
}
