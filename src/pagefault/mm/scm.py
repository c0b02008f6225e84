"""Descriptors in messages, between processes. Models net/core/scm.c."""

from pagefault.consts import EBADF


def sys_receive(st, t, file):
    """net/core/scm.c scm_detach_fds(), v6.12, of one file (SCM_RIGHTS): 0, or -EBADF where nobody
    has it open who could have sent it. Nothing is asked about what kind of file it is. One step:
    left out that a descriptor on its way keeps the file."""
    if st.file[file].closed:
        return -EBADF
    return 0
