/*
 * Typed faces of the variadic functions of libcurl, which Swift cannot call.
 */
#ifndef PATCHBAY_CCURL_SHIM_H
#define PATCHBAY_CCURL_SHIM_H

#include <curl/curl.h>

static inline CURLcode patchbay_curl_set_long(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode patchbay_curl_set_offset(CURL *easy, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode patchbay_curl_set_text(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode patchbay_curl_set_pointer(CURL *easy, CURLoption option, void *value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode patchbay_curl_set_list(CURL *easy, CURLoption option, struct curl_slist *value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode patchbay_curl_set_share(CURL *easy, CURLSH *value) {
    return curl_easy_setopt(easy, CURLOPT_SHARE, value);
}

typedef size_t (*patchbay_curl_write)(char *bytes, size_t size, size_t count, void *user);

static inline CURLcode patchbay_curl_on_body(CURL *easy, patchbay_curl_write function, void *user) {
    CURLcode code = curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, function);
    return code != CURLE_OK ? code : curl_easy_setopt(easy, CURLOPT_WRITEDATA, user);
}

static inline CURLcode patchbay_curl_on_header(CURL *easy, patchbay_curl_write function, void *user) {
    CURLcode code = curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, function);
    return code != CURLE_OK ? code : curl_easy_setopt(easy, CURLOPT_HEADERDATA, user);
}

typedef curl_socket_t (*patchbay_curl_open)(void *user, curlsocktype purpose, struct curl_sockaddr *address);

static inline CURLcode patchbay_curl_on_open(CURL *easy, patchbay_curl_open function, void *user) {
    CURLcode code = curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, function);
    return code != CURLE_OK ? code : curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, user);
}

/** The address itself, which is longer than its declared type for IPv6. */
static inline const struct sockaddr *patchbay_curl_address(const struct curl_sockaddr *address) {
    return &address->addr;
}

static inline CURLcode patchbay_curl_get_long(CURL *easy, CURLINFO info, long *value) {
    return curl_easy_getinfo(easy, info, value);
}

static inline CURLcode patchbay_curl_get_text(CURL *easy, CURLINFO info, const char **value) {
    return curl_easy_getinfo(easy, info, value);
}

static inline CURLcode patchbay_curl_get_pointer(CURL *easy, CURLINFO info, void **value) {
    return curl_easy_getinfo(easy, info, value);
}

static inline CURLSHcode patchbay_curl_share_cookies(CURLSH *share) {
    return curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE);
}

static inline CURLMcode patchbay_curl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}

/** The easy handle and result of a finished transfer; NULL if the message is of another kind. */
static inline CURL *patchbay_curl_finished(CURLM *multi, CURLcode *result) {
    int left = 0;
    CURLMsg *message = curl_multi_info_read(multi, &left);
    if (message == NULL || message->msg != CURLMSG_DONE) return NULL;
    *result = message->data.result;
    return message->easy_handle;
}

#endif
