/*
 * patchbay/event.h - the typed events of a streamed answer, between a decoder and an encoder.
 *
 * An answer is a list of choices, a choice a list of parts in order. The fold of the events equals the
 * canonical response document (sdk/canonical.md). A decoder guarantees: START comes first; PART_OPEN
 * before the deltas of a part; part ordinals of a choice are dense from 0; a part is closed at most
 * once; FINISH of a choice comes after its last delta; END is last and comes exactly once. On a cut or
 * an error open parts stay open and no FINISH is sent, so that nobody mistakes half a tool call for a
 * whole one. Several parts may be open at once. USAGE is a snapshot: the last known value of each
 * counter wins.
 */
#ifndef PATCHBAY_EVENT_H
#define PATCHBAY_EVENT_H

#include "patchbay/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Value of pb_event.space for the types below. Others belong to third parties and are passed on unchanged. */
#define PB_EVENT_SPACE_CORE 0

enum {
    /** id = id of the answer, name = model that answered, counters where already known. */
    PB_EVENT_START = 1,
    /** kind = PB_PART_; for a tool call id = call id, name = tool name. */
    PB_EVENT_PART_OPEN = 2,
    /** field = PB_FIELD_, text = what is appended. */
    PB_EVENT_PART_DELTA = 3,
    /** extra_json = one annotation. */
    PB_EVENT_PART_NOTE = 4,
    /** The part is complete. */
    PB_EVENT_PART_CLOSE = 5,
    /** reason = PB_FINISH_; text = the stop sequence if there was one; name = the reason as the upstream wrote it. */
    PB_EVENT_FINISH = 6,
    /**
     * Counters. extra_json = what is billed beside tokens, where anything is: an object with the members images,
     * seconds (of sound), characters and searches, numbers all.
     */
    PB_EVENT_USAGE = 7,
    /** reason = PB_CATEGORY_, text = message, id = code, name = type, as the upstream wrote them. END follows. */
    PB_EVENT_ERROR = 8,
    /** The upstream is alive. */
    PB_EVENT_PING = 9,
    /** flags has PB_EVENT_CLEAN if the protocol's own end was seen. */
    PB_EVENT_END = 10,
    /** Something the model does not cover: name = format id, id = event name, extra_json = its data. */
    PB_EVENT_NATIVE = 11,
    /**
     * From decoders of protocols whose streams end with their transport and have no end of their own. flags has
     * PB_EVENT_CLEAN if nothing is missing any more, so that END would be clean if the transport ended now; without
     * it, what came since has begun something new. A host that hears nothing more for a moment after the former may
     * call decoder_finish with PB_END_EOF. For the host; encoders need not know it.
     */
    PB_EVENT_SETTLED = 12
};

/** On END: the stream ended as its protocol says. On SETTLED: nothing is missing. */
#define PB_EVENT_CLEAN 0x1u
/** On USAGE: the counters were estimated, not reported. */
#define PB_EVENT_ESTIMATED 0x2u

enum {
    PB_PART_TEXT = 1,
    PB_PART_REASONING = 2,
    /** Reasoning that the upstream hides; its opaque data comes in PB_FIELD_OPAQUE. */
    PB_PART_REASONING_REDACTED = 3,
    PB_PART_TOOL_CALL = 4,
    PB_PART_REFUSAL = 5,
    PB_PART_IMAGE = 6,
    PB_PART_AUDIO = 7,
    /** extra_json of PART_OPEN holds the whole part. */
    PB_PART_OTHER = 8
};

enum {
    PB_FIELD_TEXT = 1,
    /** Arguments of a tool call: a fragment of JSON text, not necessarily on a character border of JSON. */
    PB_FIELD_ARGUMENTS = 2,
    /** A signature or encrypted reasoning. Comes whole, at most once a part. name = its kind. */
    PB_FIELD_OPAQUE = 3,
    /** Base64 data of an image or audio part. */
    PB_FIELD_DATA = 4,
    PB_FIELD_TRANSCRIPT = 5
};

enum {
    PB_FINISH_STOP = 1,
    PB_FINISH_STOP_SEQUENCE = 2,
    PB_FINISH_LENGTH = 3,
    PB_FINISH_CONTEXT_WINDOW = 4,
    PB_FINISH_TOOL_CALLS = 5,
    PB_FINISH_CONTENT_FILTER = 6,
    PB_FINISH_REFUSAL = 7,
    PB_FINISH_PAUSE = 8,
    PB_FINISH_COMPACTION = 9,
    PB_FINISH_MALFORMED_TOOL_CALL = 10,
    PB_FINISH_OTHER = 11
};

/** What kind of failure an error is, whatever the wire format calls it. */
enum {
    PB_CATEGORY_INVALID_REQUEST = 1,
    PB_CATEGORY_UNSUPPORTED_CONVERSION = 2,
    PB_CATEGORY_CONTEXT_LENGTH = 3,
    PB_CATEGORY_CONTENT_POLICY = 4,
    PB_CATEGORY_INVALID_REASONING_STATE = 5,
    PB_CATEGORY_AUTHENTICATION = 6,
    PB_CATEGORY_QUOTA = 7,
    PB_CATEGORY_PERMISSION = 8,
    PB_CATEGORY_NOT_FOUND = 9,
    PB_CATEGORY_CONFLICT = 10,
    PB_CATEGORY_TOO_LARGE = 11,
    PB_CATEGORY_RATE_LIMIT = 12,
    PB_CATEGORY_OVERLOADED = 13,
    PB_CATEGORY_TIMEOUT = 14,
    PB_CATEGORY_UPSTREAM_INVALID = 15,
    PB_CATEGORY_TRUNCATED = 16,
    PB_CATEGORY_SERVER = 17,
    PB_CATEGORY_NO_ROUTE = 18,
    PB_CATEGORY_CANCELLED = 19
};

/**
 * One event. Views are valid until the function that was handed the event returns. Counters that are
 * not known are PB_UNKNOWN in START and USAGE and zero elsewhere. input_tokens includes cached and
 * cache-written ones, output_tokens includes reasoning.
 *
 * Arrays of events: all have the same size; step by events[0].size, never by sizeof.
 */
typedef struct pb_event {
    uint32_t size;
    uint16_t space;
    uint16_t type;
    uint32_t choice;
    uint32_t part;
    uint32_t kind;
    uint32_t field;
    uint32_t reason;
    uint32_t flags;
    pb_str text;
    pb_str id;
    pb_str name;
    uint64_t input_tokens;
    uint64_t output_tokens;
    uint64_t cached_tokens;
    uint64_t cache_write_tokens;
    uint64_t reasoning_tokens;
    pb_str extra_json;
} pb_event;

/**
 * Receives events. Frozen.
 *
 * emit [same thread as the function that was handed the sink, until that function returns]: takes
 * `count` events. Returns PB_OK, or a negative code after which the producer stops and returns
 * PB_E_STOPPED.
 */
typedef struct pb_event_sink {
    void *ctx;
    pb_status (*emit)(const struct pb_event_sink *sink, const pb_event *events, uint32_t count);
} pb_event_sink;

#ifdef __cplusplus
}
#endif
#endif
