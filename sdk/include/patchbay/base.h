/*
 * patchbay/base.h - scalar types, views, status codes and the rules that hold everywhere.
 *
 * The headers in this directory are the specification of the Patchbay plugin ABI, version 1.
 * They need nothing but a C11 or C++17 compiler.
 *
 * Rules that hold for every function and record unless the declaration says otherwise
 *
 *  Threads    Every function carries a class in brackets:
 *             [load]    called by the host's loader, one call at a time per plugin.
 *             [worker]  called on a host thread that may block until the deadline of the call.
 *             [hot]     called on any host thread, concurrently for the same instance. It must not
 *                       block, sleep, do I/O or take a lock that a blocking function holds.
 *             [stream]  called serially for one object; the thread may change between calls. The
 *                       same restrictions as [hot] apply.
 *             [any]     may be called from any thread at any time the object is alive.
 *
 *  Memory     Nobody frees what the other side allocated. Inputs are views that stay valid until the
 *             function returns. Outputs are written through a pb_sink or a builder, which copies
 *             before it returns. Objects are closed by the close function of the side that made them.
 *             A plugin image is never unmapped, so data with static storage stays valid for ever.
 *
 *  Records    Every record passed by pointer begins with `size`, set by its producer to sizeof the
 *             record it was compiled with. A consumer reads no field beyond that size (PB_HAS), and
 *             treats a missing field as zero. New fields are appended; nothing is ever removed,
 *             reordered or given another meaning. Unknown flag bits are ignored by the receiver and
 *             zero when sent. pb_str, pb_field and pb_sink are frozen and carry no size.
 *
 *  Failure    Functions that can fail return pb_status. No exception, panic, signal or longjmp may
 *             cross a function of this ABI in either direction.
 *
 *  Text       UTF-8, not terminated, may contain NUL. A view with ptr == NULL and len == 0 is absent;
 *             ptr != NULL and len == 0 is the empty text.
 */
#ifndef PATCHBAY_BASE_H
#define PATCHBAY_BASE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Version of the ABI that this header describes. Another major has another entry function; a minor appends. */
#define PB_ABI_MAJOR 1
#define PB_ABI_MINOR 1

/** Marks the one function that a plugin image exports. */
#if defined(__GNUC__)
#define PB_EXPORT __attribute__((visibility("default")))
#else
#define PB_EXPORT
#endif

/** A borrowed view of bytes. Frozen. */
typedef struct pb_str {
    const char *ptr;
    uint64_t len;
} pb_str;

/** A borrowed name and value, as in a header field or a label. Frozen. */
typedef struct pb_field {
    pb_str name;
    pb_str value;
} pb_field;

/** Result of a function: PB_OK, PB_PENDING or one of the negative PB_E_ codes. */
typedef int32_t pb_status;

enum {
    /** Done. */
    PB_OK = 0,
    /** Accepted; the answer arrives through a completion. Only functions that document it return it. */
    PB_PENDING = 1,

    /** An argument, a configuration value or a document is wrong; the message names the field and the rule. */
    PB_E_INVALID = -1,
    /** The operation, interface or feature does not exist here. */
    PB_E_UNSUPPORTED = -2,
    /** Refused by policy: a permission the manifest does not declare, or the egress guard. */
    PB_E_DENIED = -3,
    /** The named thing does not exist. */
    PB_E_NOT_FOUND = -4,
    /** The state changed since it was read (compare-and-set), or the thing exists already. */
    PB_E_CONFLICT = -5,
    /** A bound on size, depth or count was reached. */
    PB_E_TOO_LARGE = -6,
    /** The deadline passed. */
    PB_E_TIMEOUT = -7,
    /** The caller withdrew the call. */
    PB_E_CANCELLED = -8,
    /** The peer cannot serve at the moment; trying again later may succeed. */
    PB_E_UNAVAILABLE = -9,
    /** The peer rejected the credential. */
    PB_E_AUTH = -10,
    /** The peer asks to slow down; retry_after_ms says for how long where known. */
    PB_E_RATE_LIMITED = -11,
    /** The peer answered something that the protocol does not allow. */
    PB_E_PROTOCOL = -12,
    /** No connection, or it broke. */
    PB_E_NETWORK = -13,
    /** A person has to act: captcha, second factor, browser challenge. */
    PB_E_CHALLENGE = -14,
    /** A sink or event sink does not want more output. Pass it up unchanged. */
    PB_E_STOPPED = -15,
    /** A defect in the callee. */
    PB_E_INTERNAL = -16
};

/** Value of a counter that is not known, as opposed to zero. */
#define PB_UNKNOWN UINT64_MAX

/** True if the record behind `record` is large enough to hold `field` and the field is not zero. */
#define PB_HAS(record, field)                                                                              \
    ((record) != NULL && (record)->size >= offsetof(PB_TYPEOF(*(record)), field) + sizeof((record)->field) \
     && (record)->field)
#ifdef __cplusplus
} /* extern "C" */
#include <type_traits>
#define PB_TYPEOF(expression) typename std::remove_reference<decltype(expression)>::type
extern "C" {
#else
#define PB_TYPEOF(expression) __typeof__(expression)
#endif

/**
 * Receives output in pieces. Frozen.
 *
 * write [same thread as the function that was handed the sink, until that function returns]: appends a
 * copy of `bytes`. Returns PB_OK, or a negative code after which the producer stops and returns
 * PB_E_STOPPED. `ctx` belongs to the owner of the sink.
 */
typedef struct pb_sink {
    void *ctx;
    pb_status (*write)(const struct pb_sink *sink, pb_str bytes);
} pb_sink;

/**
 * Why something failed.
 *
 * code            one of PB_E_.
 * message         one sentence for people, without secrets.
 * retry_after_ms  when the peer said so; 0 = not said.
 * http_status     status of the peer's answer; 0 = there was none.
 * details_json    a JSON object with more, for machines; may be absent.
 */
typedef struct pb_error {
    uint32_t size;
    pb_status code;
    pb_str message;
    uint64_t retry_after_ms;
    uint32_t http_status;
    uint32_t flags;
    pb_str details_json;
} pb_error;

#ifdef __cplusplus
}
#endif
#endif
