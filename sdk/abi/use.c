/*
 * Compiled in every language of the header to prove that its macros work there. Never run.
 */
#include "patchbay/patchbay.h"

uint64_t patchbay_use(const pb_call *call, const pb_codec *codec, const pb_event *events);

uint64_t patchbay_use(const pb_call *call, const pb_codec *codec, const pb_event *events) {
    uint64_t sum = PB_UNKNOWN;
    if (PB_HAS(call, deadline_ns)) sum += call->deadline_ns;
    if (PB_HAS(codec, heartbeat)) sum += PB_FRAMING_SSE;
    if (PB_HAS(events, extra_json.ptr)) sum += PB_EVENT_CLEAN;
    return sum;
}
