/*
 * patchbay/call.h - one asynchronous operation, made by the host.
 */
#ifndef PATCHBAY_CALL_H
#define PATCHBAY_CALL_H

#include "patchbay/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The function that was handed this call runs on a [worker] thread and may block until the deadline. */
#define PB_CALL_MAY_BLOCK 0x1u

/**
 * A call in flight. The host owns it. It stays valid until the plugin has called complete or fail and
 * that function has returned; after that the plugin must not touch it. If the function that received
 * the call returned an error, the call is over when the function returns.
 *
 * deadline_ns  on the clock of pb_clock.monotonic_ns; 0 = none. After it the host no longer waits; the
 *              plugin still has to end the call exactly once.
 * trace_id     id of the request or job on whose behalf this happens, for logs.
 */
typedef struct pb_call {
    uint32_t size;
    uint32_t flags;
    uint64_t id;
    uint64_t deadline_ns;
    pb_str trace_id;
    /** Owned by the host. */
    void *ctx;

    /** [any] 1 if the caller has withdrawn the call, else 0. A cancelled call must still be ended. */
    int32_t (*cancelled)(const struct pb_call *call);

    /**
     * [any] Registers `fn`, to be called at most once with `user` when the call is cancelled. Never
     * called on the stack of this function; if the call is cancelled already, `fn` runs soon on a
     * host thread. `release`, if not NULL, is called exactly once with `user` when `fn` can no
     * longer run: after `fn`, or when the call ends without cancellation. At most one registration
     * per call; a second returns PB_E_CONFLICT and runs neither function.
     */
    pb_status (*on_cancel)(const struct pb_call *call, void (*fn)(void *user), void *user, void (*release)(void *user));

    /**
     * [any] Ends the call with a result: a JSON document, copied before the function returns. Exactly
     * one of complete and fail is called, exactly once, for every call that was accepted.
     */
    void (*complete)(const struct pb_call *call, pb_str result_json);

    /** [any] Ends the call with an error, copied before the function returns. */
    void (*fail)(const struct pb_call *call, const pb_error *error);
} pb_call;

#ifdef __cplusplus
}
#endif
#endif
