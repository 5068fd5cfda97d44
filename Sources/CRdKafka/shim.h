#pragma once
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <malloc.h>

// rd_kafka_producev is variadic, which Swift cannot call. The payload is copied before this returns.
// `partition` may be RD_KAFKA_PARTITION_UA. A key of NULL is no key.
static inline rd_kafka_resp_err_t crdkafka_produce(rd_kafka_t *client, const char *topic, int32_t partition,
                                                   int flags, const void *key, size_t key_length,
                                                   const void *value, size_t value_length, void *opaque) {
    return rd_kafka_producev(client, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
                             RD_KAFKA_V_MSGFLAGS(flags | RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key, key_length),
                             RD_KAFKA_V_VALUE((void *)value, value_length), RD_KAFKA_V_OPAQUE(opaque), RD_KAFKA_V_END);
}

// Macros with casts, which Swift does not import.
static inline int32_t crdkafka_any_partition(void) { return RD_KAFKA_PARTITION_UA; }
static inline int64_t crdkafka_offset_beginning(void) { return RD_KAFKA_OFFSET_BEGINNING; }

// Failing calls of the legacy consumer leave their reason in errno.
static inline rd_kafka_resp_err_t crdkafka_last_error(void) { return rd_kafka_last_error(); }

// Swift's Glibc module leaves malloc.h out.
static inline void crdkafka_set_mmap_threshold(int bytes) { mallopt(M_MMAP_THRESHOLD, bytes); }
