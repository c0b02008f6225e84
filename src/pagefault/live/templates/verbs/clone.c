/* clone(T) */
static char stack[MAX_TASKS][65536] __attribute__((aligned(4096)));

static void *thread_main(void *task)
{
	live((int)(long)task);
	return NULL;
}

HELPER long clone_task(int child)
{
	struct seat *seat = &shared->seat[child];
	pthread_attr_t attr;
	pthread_t thread;

	seat->state = RUNNING;
	__atomic_add_fetch(&shared->busy, 1, __ATOMIC_SEQ_CST);
	pthread_attr_init(&attr);
	pthread_attr_setstack(&attr, stack[child], sizeof(stack[child]));
	int error = pthread_create(&thread, &attr, thread_main, (void *)(long)child);
	if (error) {
		seat->state = NEW;
		__atomic_sub_fetch(&shared->busy, 1, __ATOMIC_SEQ_CST);
	} else {
		await_birth(child);
	}
	return -error;
}
