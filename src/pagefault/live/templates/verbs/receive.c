/* receive(f): from the process itself, which has it as all have; what comes out of the socket is a
 * descriptor that the kernel has made anew. */

#include <sys/socket.h>

union descriptor {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static int send_descriptor(int socket, int fd)
{
	char byte = 0;
	struct iovec data = { &byte, 1 };
	union descriptor control = {
		.header = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS }
	};
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control)
	};

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	return sendmsg(socket, &message, 0) < 0 ? -errno : 0;
}

static int receive_descriptor(int socket)
{
	char byte;
	int fd;
	struct iovec data = { &byte, 1 };
	union descriptor control;
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control)
	};

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) < 0)
		return -errno;
	if (message.msg_controllen < CMSG_LEN(sizeof(int)) || message.msg_flags & MSG_CTRUNC)
		return -EACCES;
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

HELPER long receive_file(int file)
{
	int end[2], fd, error;

	if (shared->closed[file])
		return -EBADF;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, end) < 0)
		return -errno;
	error = send_descriptor(end[0], file_of(file));
	fd = error ? error : receive_descriptor(end[1]);
	close(end[0]);
	close(end[1]);
	if (fd < 0)
		return fd;
	if (dup3(fd, file_of(file), O_CLOEXEC) < 0)
		error = -errno;
	close(fd);
	return error;
}
