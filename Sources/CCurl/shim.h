#pragma once
#include <curl/curl.h>

// Swift cannot call variadic functions, so each kind of value that curl_easy_setopt and curl_easy_getinfo know gets one
// typed entry point.
static inline CURLcode ccurl_set_string(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value);
}
static inline CURLcode ccurl_set_long(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value);
}
static inline CURLcode ccurl_set_pointer(CURL *easy, CURLoption option, void *value) {
    return curl_easy_setopt(easy, option, value);
}
typedef size_t (*ccurl_write)(char *bytes, size_t size, size_t count, void *context);
static inline CURLcode ccurl_set_write(CURL *easy, ccurl_write write, void *context) {
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, context);
    return curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, write);
}
static inline CURLcode ccurl_get_long(CURL *easy, CURLINFO info, long *value) {
    return curl_easy_getinfo(easy, info, value);
}
// A message's result is a member of an anonymous union.
static inline CURLcode ccurl_message_result(const CURLMsg *message) { return message->data.result; }
// A macro with a cast.
static inline CURLcode ccurl_global_init(void) { return curl_global_init(CURL_GLOBAL_ALL); }
