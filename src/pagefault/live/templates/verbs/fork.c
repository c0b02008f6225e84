/* fork(C) */
HELPER long fork_task(int child)
{
	return start_process(child);
}
