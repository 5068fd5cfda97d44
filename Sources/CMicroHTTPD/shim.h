#pragma once
#include <stdint.h>
#include <sys/socket.h>
#include <microhttpd.h>

// Swift cannot call variadic functions: the one combination of options that the wrapper uses has a typed entry point.
// `listener` belongs to the daemon if this succeeds, and is closed by it if it fails.
static inline struct MHD_Daemon *cmicrohttpd_start(
    int listener, MHD_AccessHandlerCallback handle, MHD_RequestCompletedCallback completed, void *context,
    unsigned int connections, size_t connection_memory, unsigned int idle_seconds) {
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_SUSPEND_RESUME, 0, NULL, NULL, handle, context,
        MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_NOTIFY_COMPLETED, completed, context,
        MHD_OPTION_CONNECTION_LIMIT, connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT, connection_memory,
        MHD_OPTION_CONNECTION_TIMEOUT, idle_seconds, MHD_OPTION_END);
}

// Deprecated macros hide the names of these kinds from Swift.
static inline void cmicrohttpd_headers(struct MHD_Connection *connection, MHD_KeyValueIterator each, void *context) {
    MHD_get_connection_values(connection, MHD_HEADER_KIND, each, context);
}
static inline void cmicrohttpd_query(struct MHD_Connection *connection, MHD_KeyValueIterator each, void *context) {
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, each, context);
}
