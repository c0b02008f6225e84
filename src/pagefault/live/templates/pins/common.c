/* Pins, whatever takes them. */

static void lock_pin(struct pin *pin)
{
	while (__atomic_exchange_n(&pin->lock, 1, __ATOMIC_ACQUIRE))
		sched_yield();
}

static void unlock_pin(struct pin *pin)
{
	__atomic_store_n(&pin->lock, 0, __ATOMIC_RELEASE);
}

/* What became of taking it: `error` is 0 or an errno. */
static long pin_taken(struct pin *pin, int page, int writable, int error)
{
	pin->page = page;
	pin->writable = writable;
	set_now(&pin->state, error ? PIN_FAILED : PIN_HELD);
	return -error;
}

/* Wait until it is there, and lock it; or why nobody can use it: -EFAULT, -EINVAL, and -EACCES for
 * a write through a reference for reading, as an IOMMU answers. */
static long use_pin(struct pin *pin, int write)
{
	long error = 0;

	while (value_now(&pin->state) == PIN_FREE)
		blocked();
	lock_pin(pin);
	if (pin->state == PIN_FAILED)
		error = -EFAULT;
	else if (pin->state == PIN_DROPPED)
		error = -EINVAL;
	else if (write && !pin->writable)
		error = -EACCES;
	if (error)
		unlock_pin(pin);
	return error;
}

/* Before dropping it: wait until it is there, and lock it; -EINVAL if there is nothing to drop. */
HELPER long find_to_drop(struct pin *pin)
{
	return use_pin(pin, 0) ? -EINVAL : 0;
}

/* A write through a reference for reading, which nobody may make. */
HELPER long refuse_write(int n)
{
	struct pin *pin = &shared->pin[n];
	long error = use_pin(pin, 1);

	if (error)
		return error;
	unlock_pin(pin);
	return -ENOSYS;
}

/* Drop a pin that `let_go` can always let go of. */
HELPER long drop_pin(int n, void (*let_go)(int))
{
	struct pin *pin = &shared->pin[n];
	long error = find_to_drop(pin);

	if (error)
		return error;
	let_go(n);
	pin->state = PIN_DROPPED;
	unlock_pin(pin);
	return 0;
}
