/*
 * patchbay/control.h - operations of the control plane: JSON in, JSON out, asynchronous.
 *
 * The manifest lists the operations of a plugin under "operations", each with its mode ("async" or
 * "blocking"), time-out and, where it wants one, schemas. Names and documents of the standard operations
 * are described in sdk/README.md: detect, login, refresh, self, balance, checkin.status, checkin, models,
 * tokens.list, tokens.create, tokens.reveal, tokens.delete, groups, pricing, notify.send.
 */
#ifndef PATCHBAY_CONTROL_H
#define PATCHBAY_CONTROL_H

#include "patchbay/call.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PB_CONTROL_ID "patchbay.control/1"

typedef struct pb_control {
    uint32_t size;
    uint32_t reserved;

    /**
     * [worker] if the manifest gives the operation the mode "blocking", else [any]. Runs `operation` with
     * `arguments_json`. Returns
     *   PB_OK       the call has been ended with complete or fail before this function returned;
     *   PB_PENDING  it will be ended later, from any thread;
     *   an error    the call was not accepted and must not be ended. PB_E_UNSUPPORTED for an unknown
     *               operation.
     * The views are valid until the function returns; copy what is needed longer.
     */
    pb_status (*invoke)(void *instance, pb_str operation, pb_str arguments_json, const pb_call *call);
} pb_control;

#ifdef __cplusplus
}
#endif
#endif
