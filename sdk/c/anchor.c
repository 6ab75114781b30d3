/* Proves that the umbrella header stands alone, and fixes what may never change in the layout of ABI 1. */
#include "patchbay/patchbay.h"

#define PB_ASSERT(condition) _Static_assert(condition, #condition)

PB_ASSERT(sizeof(void *) == 8);
PB_ASSERT(sizeof(pb_str) == 16);
PB_ASSERT(sizeof(pb_field) == 32);
PB_ASSERT(sizeof(pb_sink) == 16);
PB_ASSERT(sizeof(pb_event_sink) == 16);
PB_ASSERT(sizeof(pb_frame) == 32);
PB_ASSERT(sizeof(pb_event) == 136);

/** Keeps the translation unit from being empty. */
PB_EXPORT extern const uint32_t patchbay_abi_version;
const uint32_t patchbay_abi_version = (PB_ABI_MAJOR << 16) | PB_ABI_MINOR;
