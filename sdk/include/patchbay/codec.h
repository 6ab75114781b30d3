/*
 * patchbay/codec.h - a wire format: whole documents and stream state machines.
 *
 * A codec turns documents of its wire format into canonical documents (sdk/canonical.md) and back, and
 * frames of a streamed answer into events and back. All functions are pure: no I/O, no clock, no random
 * source; what they need of these comes with the parameters. Errors of form in a document return
 * PB_E_INVALID and write one sentence to `error` that names the field and the rule; functions without that
 * argument write it to the `error` of their parameters.
 */
#ifndef PATCHBAY_CODEC_H
#define PATCHBAY_CODEC_H

#include "patchbay/event.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PB_CODEC_ID "patchbay.codec/1"

/** How the frames of a stream are separated. The host does the framing. */
enum { PB_FRAMING_SSE = 1, PB_FRAMING_NDJSON = 2, PB_FRAMING_JSON_ARRAY = 3, PB_FRAMING_RAW = 4 };

/** The exchange is a stream. */
#define PB_CODEC_STREAM 0x1u
/**
 * Decoder: only START, one PART_OPEN when the first content has come, USAGE, FINISH, ERROR and END are wanted;
 * the bytes themselves are forwarded by the host.
 */
#define PB_CODEC_TAP 0x2u
/** A loss of PB_LOSS_SEMANTIC or worse will be refused; the codec may stop early with PB_E_UNSUPPORTED. */
#define PB_CODEC_STRICT 0x4u

enum { PB_LOSS_INFO = 1, PB_LOSS_DEGRADE = 2, PB_LOSS_SEMANTIC = 3, PB_LOSS_FATAL = 4 };

/**
 * What a conversion needs besides the document. Views are valid until the function returns; open copies
 * what it keeps.
 *
 * requested_model  name the client used; upstream_model the name this channel uses.
 * dialect          version of the format where it has several ("2023-06-01"); may be absent.
 * request_id       unique per request; the base of every id that the codec mints.
 * created_s        seconds since 1970, for documents that carry a time.
 * profile_json     capability profile of the upstream model (sdk/canonical.md); may be absent.
 * request_json     for answers: the canonical request that is answered, with `turns` empty; may be absent.
 */
typedef struct pb_codec_parameters {
    uint32_t size;
    uint32_t flags;
    pb_str requested_model;
    pb_str upstream_model;
    pb_str dialect;
    pb_str request_id;
    uint64_t created_s;
    pb_str profile_json;
    pb_str request_json;
    /** Owned by the host. */
    void *ctx;
    /**
     * [same thread, until the function returns] Records that something could not be carried over.
     * `code` is a short stable word ("sampling.top_k"), `path` a JSON pointer into the source document.
     * May be NULL.
     */
    void (*loss)(const struct pb_codec_parameters *parameters, uint32_t severity, pb_str code, pb_str path);
    /**
     * Where a function that has no `error` of its own (response_tap, error_to_canonical, error_from_canonical,
     * decoder_open, encoder_open) writes one sentence before it returns a negative code. May be NULL.
     */
    const pb_sink *error;
} pb_codec_parameters;

/** One frame. For SSE: the event name (absent if the frame had none) and the data lines joined by LF. Frozen. */
typedef struct pb_frame {
    pb_str event;
    pb_str data;
} pb_frame;

/** How a stream ended on the transport. */
enum {
    /** The connection delivered the end of the body. */
    PB_END_OF_STREAM = 1,
    /** It broke before. */
    PB_END_CUT = 2,
    /** The client left. */
    PB_END_CANCELLED = 3,
    /** Nothing came for too long. */
    PB_END_TIMEOUT = 4
};

/** What may vary at a place of a frame. */
enum {
    /** A JSON string; start and length are those of what is between its quotes. What it says changes nothing. */
    PB_HOLE_STRING = 1,
    /** A JSON number that is nothing but digits. What it says changes nothing. */
    PB_HOLE_DIGITS = 2,
    /** A JSON string that is the text of the one PART_DELTA that comes of the frame. */
    PB_HOLE_TEXT = 3
};

/** A place in the data of a frame that may vary. Frozen. */
typedef struct pb_hole {
    uint32_t kind;
    uint32_t start;
    uint32_t length;
} pb_hole;

/** So many places of a frame may vary at most. */
#define PB_PATTERN_HOLES 4

/**
 * What frames have in common that differ in a few places only.
 *
 * hole_count           places in `holes`, in the order of the frame; they do not touch.
 * choice, part, field  of the PART_DELTA that comes of such a frame, if one of the places is its text. Without such a
 *                      place nothing comes of the frame: no event.
 */
typedef struct pb_pattern {
    uint32_t size;
    uint32_t hole_count;
    pb_hole holes[PB_PATTERN_HOLES];
    uint32_t choice;
    uint32_t part;
    uint32_t field;
} pb_pattern;

typedef struct pb_codec {
    uint32_t size;
    /** One of PB_FRAMING_, for both directions. */
    uint32_t framing;

    /** [hot] A request of this format -> canonical request. */
    pb_status (*request_to_canonical)(void *instance, pb_str wire, const pb_codec_parameters *parameters,
                                      const pb_sink *canonical, const pb_sink *error);
    /** [hot] Canonical request -> a request of this format. */
    pb_status (*request_from_canonical)(void *instance, pb_str canonical, const pb_codec_parameters *parameters,
                                        const pb_sink *wire, const pb_sink *error);
    /** [hot] A complete answer (status 2xx) -> canonical response. */
    pb_status (*response_to_canonical)(void *instance, pb_str wire, const pb_codec_parameters *parameters,
                                       const pb_sink *canonical, const pb_sink *error);
    /** [hot] Canonical response -> a complete answer of this format. */
    pb_status (*response_from_canonical)(void *instance, pb_str canonical, const pb_codec_parameters *parameters,
                                         const pb_sink *wire, const pb_sink *error);
    /**
     * [hot] Reads from a complete answer only what accounting needs: emits START, USAGE, FINISH per choice,
     * and ERROR if the document is an error in disguise. PB_E_INVALID if it is no answer of this format.
     */
    pb_status (*response_tap)(void *instance, pb_str wire, const pb_codec_parameters *parameters,
                              const pb_event_sink *events);

    /**
     * [hot] An error answer (status 4xx or 5xx, any body) -> canonical error. Never fails for odd bodies.
     */
    pb_status (*error_to_canonical)(void *instance, uint32_t http_status, pb_str wire,
                                    const pb_codec_parameters *parameters, const pb_sink *canonical);
    /** [hot] Canonical error -> body of this format; stores the HTTP status that goes with it. */
    pb_status (*error_from_canonical)(void *instance, pb_str canonical, const pb_codec_parameters *parameters,
                                      uint32_t *http_status, const pb_sink *wire);

    /** [hot] Makes a decoder. It is closed with decoder_close whatever happens later. */
    pb_status (*decoder_open)(void *instance, const pb_codec_parameters *parameters, void **decoder);
    /** [stream] Takes the complete frames of one read. Never fails for odd content; it emits ERROR. */
    pb_status (*decoder_frames)(void *decoder, const pb_frame *frames, uint32_t count, const pb_event_sink *events);
    /** [stream] No more frames: `reason` is one of PB_END_. Emits what is outstanding, and END. Called once at most. */
    pb_status (*decoder_finish)(void *decoder, uint32_t reason, const pb_event_sink *events);
    /** [stream] Frees the decoder. */
    void (*decoder_close)(void *decoder);

    /** [hot] Makes an encoder. It is closed with encoder_close whatever happens later. */
    pb_status (*encoder_open)(void *instance, const pb_codec_parameters *parameters, void **encoder);
    /**
     * [stream] Takes events and writes the bytes to be sent, framing included. ERROR is written in the
     * format's own form and ends the stream; END with PB_EVENT_CLEAN writes the format's terminator.
     */
    pb_status (*encoder_events)(void *encoder, const pb_event *events, uint32_t count, const pb_sink *wire);
    /** [stream] Frees the encoder. */
    void (*encoder_close)(void *encoder);

    /** [hot] Bytes that keep a silent stream alive without meaning anything. Nothing written = the format has none. */
    pb_status (*heartbeat)(void *instance, const pb_sink *wire);

    /**
     * [stream] What the frame that the decoder was given last has in common with those that may follow; `frame` is that
     * frame again. PB_OK promises: as long as nothing but such frames follows, each of them would make no event but
     * the PART_DELTA that is said (none if no place is a text), and the decoder need not see it. What is in a text is
     * valid UTF-8, not empty, and has no other escapes than \" \\ \b \f \n \r \t. Any other frame ends the promise.
     * PB_E_UNSUPPORTED where nothing can be promised. May be NULL.
     */
    pb_status (*decoder_pattern)(void *decoder, const pb_frame *frame, pb_pattern *pattern);
    /**
     * [stream] What stands before and behind the inside of the JSON string with the text in the bytes of a PART_DELTA
     * with this choice, part and field. PB_OK promises: as long as no other event comes, these bytes, with a text of
     * the kind above between them as it stands, are what encoder_events would write, and the encoder need not see the
     * event. PB_E_UNSUPPORTED where nothing can be promised. May be NULL.
     */
    pb_status (*encoder_pattern)(void *encoder, uint32_t choice, uint32_t part, uint32_t field, const pb_sink *before,
                                 const pb_sink *behind);
} pb_codec;

#ifdef __cplusplus
}
#endif
#endif
