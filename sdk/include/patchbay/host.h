/*
 * patchbay/host.h - what the host offers to a plugin.
 *
 * A plugin asks for a service by its id. A host may lack any of them; get returns NULL then, and the
 * plugin works without it or refuses to be created with a sentence that names the service.
 */
#ifndef PATCHBAY_HOST_H
#define PATCHBAY_HOST_H

#include "patchbay/call.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The host as one plugin instance sees it. Valid from create until destroy has returned.
 *
 * get [any]: the service table for an id such as PB_LOG_ID, or NULL. The pointer stays valid as long
 * as the pb_host. Every table begins with `size`.
 */
typedef struct pb_host {
    uint32_t size;
    uint16_t abi_major;
    uint16_t abi_minor;
    /** Version of the host program, for messages. */
    pb_str host_version;
    /** Owned by the host. */
    void *ctx;
    const void *(*get)(const struct pb_host *host, const char *service_id);
} pb_host;

/* ------------------------------------------------------------------------------------------- log */

#define PB_LOG_ID "patchbay.log/1"

enum { PB_LOG_TRACE = 0, PB_LOG_DEBUG = 1, PB_LOG_INFO = 2, PB_LOG_WARNING = 3, PB_LOG_ERROR = 4 };

/**
 * Structured log.
 *
 * minimum_level  messages below it are dropped by the host; a hint that saves work.
 * write [any]    `message` is constant text; what varies goes into `fields`. Never pass a secret. The
 *                host limits the rate per plugin and counts what it drops.
 */
typedef struct pb_log {
    uint32_t size;
    uint32_t minimum_level;
    void (*write)(const pb_host *host, uint32_t level, pb_str message, const pb_field *fields, uint32_t field_count);
} pb_log;

/* ------------------------------------------------------------------------------------------ http */

#define PB_HTTP_ID "patchbay.http/1"

/** Replace `${secret:NAME}` in the body as well; the value is inserted JSON-escaped, without quotes. */
#define PB_HTTP_EXPAND_BODY 0x1u
/** Follow up to 5 redirects. Credentials are not sent to another origin, and every hop passes the egress guard. */
#define PB_HTTP_FOLLOW_REDIRECTS 0x2u
/** Neither read nor write the cookie jar of the account. */
#define PB_HTTP_NO_COOKIES 0x4u

/**
 * A request. All views are copied before send or perform returns control to the plugin or blocks.
 *
 * url, headers   `${secret:NAME}` in a header value or in the URL is replaced by the host with the
 *                secret of the account that the call belongs to; the plugin never sees it. A name that
 *                does not exist fails with PB_E_NOT_FOUND.
 * timeout_ms     for the whole exchange; 0 = the host's default. Never longer than the call's deadline.
 * max_body_bytes of the answer; 0 = the host's default (8 MiB). A longer answer fails with PB_E_TOO_LARGE.
 */
typedef struct pb_http_request {
    uint32_t size;
    uint32_t flags;
    pb_str method;
    pb_str url;
    const pb_field *headers;
    uint32_t header_count;
    uint32_t timeout_ms;
    pb_str body;
    uint64_t max_body_bytes;
} pb_http_request;

/**
 * An answer, valid during the callback that receives it.
 *
 * error_code     PB_OK, or why there is no answer (PB_E_NETWORK, PB_E_TIMEOUT, PB_E_DENIED ...), with
 *                `error_message`. The other fields are zero then.
 * headers        in the order received, names in lower case. Set-Cookie is included.
 * body           after content decoding.
 * final_url      after redirects.
 */
typedef struct pb_http_response {
    uint32_t size;
    pb_status error_code;
    uint32_t status;
    uint32_t header_count;
    const pb_field *headers;
    pb_str body;
    pb_str final_url;
    pb_str error_message;
} pb_http_response;

/**
 * HTTP by the host: proxies, TLS, cookies per account, name resolution, the egress guard, time-outs
 * and size limits are the host's. A plugin opens no sockets of its own.
 */
typedef struct pb_http {
    uint32_t size;
    uint32_t reserved;

    /**
     * [any] Sends without blocking. Returns PB_PENDING and later calls `done` exactly once, on a host
     * thread and never on the stack of this function; or returns an error and never calls it. When
     * the call is cancelled, `done` gets PB_E_CANCELLED. The plugin must not end `call` before `done`
     * has returned, or after ending it must not rely on it: `done` is always delivered.
     */
    pb_status (*send)(const pb_host *host, const pb_call *call, const pb_http_request *request,
                      void (*done)(void *user, const pb_http_response *response), void *user);

    /**
     * [worker] Sends and waits. Only inside a function whose call has PB_CALL_MAY_BLOCK, else
     * PB_E_DENIED. Calls `with` once on this thread before it returns, with the answer or the error;
     * returns what error_code says.
     */
    pb_status (*perform)(const pb_host *host, const pb_call *call, const pb_http_request *request,
                         void (*with)(void *user, const pb_http_response *response), void *user);
} pb_http;

/* -------------------------------------------------------------------------------------------- kv */

#define PB_KV_ID "patchbay.kv/1"

enum { PB_KV_PLUGIN = 0, PB_KV_SITE = 1, PB_KV_ACCOUNT = 2 };

/**
 * A small durable store. Entries of one plugin are invisible to others. PB_KV_SITE and PB_KV_ACCOUNT
 * refer to the site of the instance and to the account of `call`; `call` may be NULL for the others.
 * Keys are at most 255 bytes, values 64 KiB. Everything an instance wants to keep lives here: an
 * instance may be destroyed and made again at any time.
 */
typedef struct pb_kv {
    uint32_t size;
    uint32_t reserved;

    /** [worker] Writes the value and its revision (may be NULL). PB_E_NOT_FOUND if absent or expired. */
    pb_status (*get)(const pb_host *host, const pb_call *call, uint32_t scope, pb_str key, const pb_sink *value,
                     uint64_t *revision);

    /**
     * [worker] Stores a value. `ttl_ms` 0 = keeps for ever. `expected_revision` PB_UNKNOWN = always; 0 =
     * only if absent; else only if unchanged, or PB_E_CONFLICT.
     */
    pb_status (*put)(const pb_host *host, const pb_call *call, uint32_t scope, pb_str key, pb_str value,
                     uint64_t ttl_ms, uint64_t expected_revision);

    /** [worker] Removes a key. PB_OK also if it was absent. */
    pb_status (*remove)(const pb_host *host, const pb_call *call, uint32_t scope, pb_str key);
} pb_kv;

/* --------------------------------------------------------------------------------------- secrets */

#define PB_SECRETS_ID "patchbay.secrets/1"

/**
 * Secrets of the account that a call belongs to. Most plugins need only `${secret:NAME}` in pb_http and
 * in prepare; reading the text takes the permission "secrets.reveal" in the manifest.
 */
typedef struct pb_secrets {
    uint32_t size;
    uint32_t reserved;

    /** [any] 1 if the account of `call` has a secret of this name, else 0. */
    int32_t (*exists)(const pb_host *host, const pb_call *call, pb_str name);

    /** [worker] Writes the text to `sink`. PB_E_DENIED without the permission, PB_E_NOT_FOUND if absent. */
    pb_status (*reveal)(const pb_host *host, const pb_call *call, pb_str name, const pb_sink *sink);
} pb_secrets;

/* ------------------------------------------------------------------------------------------ json */

#define PB_JSON_ID "patchbay.json/1"

enum {
    PB_JSON_ABSENT = 0,
    PB_JSON_NULL = 1,
    PB_JSON_FALSE = 2,
    PB_JSON_TRUE = 3,
    PB_JSON_NUMBER = 4,
    PB_JSON_STRING = 5,
    PB_JSON_ARRAY = 6,
    PB_JSON_OBJECT = 7
};

/**
 * Reading and writing JSON, so that an adapter in plain C needs no library. A document belongs to the
 * caller of parse and is used by one thread at a time. A node is an index into its document; 0 is the
 * root and -1 no node. Every function accepts -1 and treats it as absent.
 */
typedef struct pb_json {
    uint32_t size;
    uint32_t reserved;

    /** [any] Parses a copy of `text`. PB_E_INVALID with a sentence to `error` (may be NULL) if it is not JSON. */
    pb_status (*parse)(const pb_host *host, pb_str text, void **document, const pb_sink *error);
    /** [any] Frees a document and every view into it. NULL is allowed. */
    void (*release)(void *document);
    /** [any] Node at a JSON pointer (RFC 6901) relative to `node`, or -1. */
    int64_t (*at)(void *document, int64_t node, pb_str pointer);
    /** [any] One of PB_JSON_. */
    uint32_t (*kind)(void *document, int64_t node);
    /** [any] Number of elements of an array or members of an object, else 0. */
    uint64_t (*count)(void *document, int64_t node);
    /** [any] First element or member value, or -1. */
    int64_t (*first)(void *document, int64_t node);
    /** [any] Next sibling, or -1. */
    int64_t (*next)(void *document, int64_t node);
    /** [any] Name of an object member, unescaped; absent if the node is not one. Valid until release. */
    pb_str (*name)(void *document, int64_t node);
    /** [any] Text of a string, unescaped; absent if it is not one. Valid until release. */
    pb_str (*text)(void *document, int64_t node);
    /** [any] The value as a double; `otherwise` if it is not a number. */
    double (*number)(void *document, int64_t node, double otherwise);
    /** [any] The exact bytes of the node in the text that was parsed. Valid until release. */
    pb_str (*raw)(void *document, int64_t node);
    /** [any] Writes `text` as a JSON string with its quotes. */
    pb_status (*write_string)(const pb_host *host, pb_str text, const pb_sink *sink);
} pb_json;

/* ----------------------------------------------------------------------------------------- clock */

#define PB_CLOCK_ID "patchbay.clock/1"

/** Time from the host, so that tests can set it. */
typedef struct pb_clock {
    uint32_t size;
    uint32_t reserved;
    /** [any] Milliseconds since 1970-01-01T00:00:00Z. */
    uint64_t (*unix_ms)(const pb_host *host);
    /** [any] Nanoseconds on a clock that never goes back. The origin is unspecified. */
    uint64_t (*monotonic_ns)(const pb_host *host);
    /**
     * [any] Calls `fn` once with `user` after `delay_ms`, on a host thread, never on the stack of this
     * function. When the call is cancelled first, `fn` runs at once. `fn` must not block.
     */
    pb_status (*after)(const pb_host *host, const pb_call *call, uint64_t delay_ms, void (*fn)(void *user), void *user);
} pb_clock;

#ifdef __cplusplus
}
#endif
#endif
