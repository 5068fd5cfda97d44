#pragma once
// The asynchronous calls only: a synchronous one made on the completion thread would wait for itself.
// Not in the Glibc module: the timer behind our own deadlines.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
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

// What a library exports that was built with OpenSSL, or with Cyrus SASL. Its header declares them only where the same was
// there when this was compiled, so they are declared here and looked up by name.
typedef zhandle_t *(*czookeeper_init_ssl)(const char *servers, const char *files, watcher_fn, int timeout,
                                          const clientid_t *, void *context, int flags);

// The layouts are those of sasl.h (sasl_callback_t, sasl_secret_t) and of zookeeper.h (zoo_sasl_params_t).
struct czookeeper_sasl_callback {
    unsigned long id;
    int (*answer)(void);
    void *context;
};
struct czookeeper_sasl_secret {
    unsigned long length;
    unsigned char bytes[1];
};
struct czookeeper_sasl_parameters {
    const char *service;
    const char *host;
    const char *mechanisms;
    const struct czookeeper_sasl_callback *callbacks;
};
typedef zhandle_t *(*czookeeper_init_sasl)(const char *servers, watcher_fn, int timeout, const clientid_t *,
                                           void *context, int flags, log_callback_fn,
                                           struct czookeeper_sasl_parameters *);
typedef int (*czookeeper_sasl_client_init)(const void *callbacks);
typedef const char **(*czookeeper_sasl_mechanisms)(void);
typedef void (*czookeeper_sasl_set_mutex)(void *(*make)(void), int (*lock)(void *), int (*unlock)(void *),
                                          void (*free)(void *));

// Locks in the form that Cyrus SASL wants them.
static inline void *czookeeper_mutex_make(void) {
    pthread_mutex_t *mutex = malloc(sizeof *mutex);
    if (mutex && pthread_mutex_init(mutex, 0)) {
        free(mutex);
        mutex = 0;
    }
    return mutex;
}
static inline int czookeeper_mutex_lock(void *mutex) { return pthread_mutex_lock(mutex) ? -1 : 0; }
static inline int czookeeper_mutex_unlock(void *mutex) { return pthread_mutex_unlock(mutex) ? -1 : 0; }
static inline void czookeeper_mutex_free(void *mutex) {
    pthread_mutex_destroy(mutex);
    free(mutex);
}

// What SASL asks about one session, and the answers: they have to last for as long as its handle.
struct czookeeper_sasl {
    struct czookeeper_sasl_parameters parameters;
    struct czookeeper_sasl_callback callbacks[5];
    char *user;
    struct czookeeper_sasl_secret *password;
};

static inline int czookeeper_sasl_user(void *context, int question, const char **answer, unsigned *length) {
    (void)question;
    if (!answer) return -7;  // SASL_BADPARAM
    *answer = context;
    if (length) *length = (unsigned)strlen(context);
    return 0;
}

static inline int czookeeper_sasl_password(void *connection, void *context, int question,
                                           struct czookeeper_sasl_secret **answer) {
    (void)question;
    if (!connection || !answer) return -7;
    *answer = context;
    return 0;
}

// The realm that the server names.
static inline int czookeeper_sasl_realm(void *context, int question, const char **offered, const char **answer) {
    (void)context;
    (void)question;
    if (!answer) return -7;
    *answer = offered && offered[0] ? offered[0] : "";
    return 0;
}

static inline void czookeeper_sasl_free(struct czookeeper_sasl *sasl) {
    if (!sasl) return;
    if (sasl->password) explicit_bzero(sasl->password->bytes, sasl->password->length);
    free(sasl->password);
    free(sasl->user);
    free(sasl);
}

// 0 where there is no memory.
static inline struct czookeeper_sasl *czookeeper_sasl_make(const char *user, const char *password) {
    struct czookeeper_sasl *sasl = calloc(1, sizeof *sasl);
    if (!sasl) return 0;
    size_t length = strlen(password);
    sasl->user = strdup(user);
    sasl->password = calloc(1, sizeof *sasl->password + length);
    if (!sasl->user || !sasl->password) {
        czookeeper_sasl_free(sasl);
        return 0;
    }
    sasl->password->length = length;
    memcpy(sasl->password->bytes, password, length);
    struct czookeeper_sasl_callback callbacks[5] = {
        {0x4001, (int (*)(void))czookeeper_sasl_user, sasl->user},          // SASL_CB_USER
        {0x4002, (int (*)(void))czookeeper_sasl_user, sasl->user},          // SASL_CB_AUTHNAME
        {0x4004, (int (*)(void))czookeeper_sasl_password, sasl->password},  // SASL_CB_PASS
        {0x4008, (int (*)(void))czookeeper_sasl_realm, 0},                  // SASL_CB_GETREALM
        {0, 0, 0},
    };
    memcpy(sasl->callbacks, callbacks, sizeof callbacks);
    // The names by which ZooKeeper's own clients and servers speak DIGEST-MD5.
    sasl->parameters = (struct czookeeper_sasl_parameters){"zookeeper", "zk-sasl-md5", "DIGEST-MD5", sasl->callbacks};
    return sasl;
}
