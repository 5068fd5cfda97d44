#pragma once
// The asynchronous calls only: a synchronous one made on the completion thread would wait for itself.
// Not in the Glibc module: the timer behind our own deadlines.
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>
#include <zookeeper/zookeeper.h>

// The library has no call that tells its socket. Of several sockets to the same server, the right one is found through the
// first word of the handle (a `zsock_t *` since 3.6). The kernel does the reading, so that a library laid out otherwise
// gives -1 or a number that the caller's comparison refuses, never a fault.
static inline int czookeeper_socket_hint(const zhandle_t *handle) {
    zsock_t *holder = 0;
    struct iovec to = {&holder, sizeof holder};
    struct iovec from = {(void *)handle, sizeof holder};
    if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) != (ssize_t)sizeof holder) return -1;
    int fd = -1;
    to = (struct iovec){&fd, sizeof fd};
    from = (struct iovec){holder, sizeof fd};
    if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) != (ssize_t)sizeof fd) return -1;
    return fd;
}
