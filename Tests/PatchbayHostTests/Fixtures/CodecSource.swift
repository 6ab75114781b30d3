/// A codec in plain C, linked to the exerciser with -DWITH_CODEC: canonical documents are the wire documents with a letter
/// before them; a frame "text" becomes a part delta; "usage N", "finish", "error" and "stop" become what they say.
let codecSource = #"""
    #define _GNU_SOURCE
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include "patchbay/patchbay.h"

    #define LIT(text) ((pb_str){text, sizeof(text) - 1})
    static int is(pb_str text, const char *other) {
        return text.len == strlen(other) && memcmp(text.ptr, other, text.len) == 0;
    }
    static pb_status copy(char letter, pb_str text, const pb_codec_parameters *parameters, const pb_sink *out,
                          const pb_sink *error) {
        if (is(text, "bad")) { error->write(error, LIT("The field model is missing.")); return PB_E_INVALID; }
        if (parameters->loss) {
            parameters->loss(parameters, PB_LOSS_DEGRADE, LIT("sampling.top_k"), LIT("/top_k"));
            parameters->loss(parameters, PB_LOSS_SEMANTIC, LIT("tools.server"), LIT("/tools/0"));
        }
        if (parameters->flags & PB_CODEC_STRICT) return PB_E_UNSUPPORTED;
        if (out->write(out, (pb_str){&letter, 1}) != PB_OK) return PB_E_STOPPED;
        if (out->write(out, parameters->upstream_model) != PB_OK) return PB_E_STOPPED;
        return out->write(out, text) == PB_OK ? PB_OK : PB_E_STOPPED;
    }
    static pb_status rtc(void *i, pb_str w, const pb_codec_parameters *p, const pb_sink *o, const pb_sink *e) {
        (void)i; return copy('q', w, p, o, e);
    }
    static pb_status rfc(void *i, pb_str w, const pb_codec_parameters *p, const pb_sink *o, const pb_sink *e) {
        (void)i; return copy('Q', w, p, o, e);
    }
    static pb_status stc(void *i, pb_str w, const pb_codec_parameters *p, const pb_sink *o, const pb_sink *e) {
        (void)i; return copy('s', w, p, o, e);
    }
    static pb_status sfc(void *i, pb_str w, const pb_codec_parameters *p, const pb_sink *o, const pb_sink *e) {
        (void)i; return copy('S', w, p, o, e);
    }
    static pb_event event(uint16_t type) {
        pb_event made;
        memset(&made, 0, sizeof made);
        made.size = sizeof made;
        made.type = type;
        made.input_tokens = made.output_tokens = made.cached_tokens = PB_UNKNOWN;
        made.cache_write_tokens = made.reasoning_tokens = PB_UNKNOWN;
        return made;
    }
    static pb_status tap(void *i, pb_str wire, const pb_codec_parameters *p, const pb_event_sink *events) {
        (void)i;
        if (is(wire, "bad")) {
            if (p->error) p->error->write(p->error, LIT("The field choices is missing."));
            return PB_E_INVALID;
        }
        pb_event made[2] = {event(PB_EVENT_START), event(PB_EVENT_USAGE)};
        made[0].name = LIT("model-x");
        made[1].input_tokens = 7;
        made[1].output_tokens = 3;
        return events->emit(events, made, 2);
    }
    static pb_status etc(void *i, uint32_t status, pb_str wire, const pb_codec_parameters *p, const pb_sink *out) {
        (void)i; (void)p;
        char text[32];
        snprintf(text, sizeof text, "%u:", status);
        out->write(out, (pb_str){text, strlen(text)});
        return out->write(out, wire);
    }
    static pb_status efc(void *i, pb_str canonical, const pb_codec_parameters *p, uint32_t *status, const pb_sink *out) {
        (void)i; (void)p;
        *status = 429;
        return out->write(out, canonical);
    }

    static int has_text(pb_str data) { return data.len >= 8 && memcmp(data.ptr, "{\"t\":\"", 6) == 0; }
    struct decoder { int frames; char request[64]; };
    static pb_status open_decoder(void *i, const pb_codec_parameters *p, void **decoder) {
        (void)i;
        struct decoder *made = calloc(1, sizeof *made);
        if (p->request_id.len < sizeof made->request) memcpy(made->request, p->request_id.ptr, p->request_id.len);
        *decoder = made;
        return PB_OK;
    }
    /* A larger record than the host knows, as a later version would send. */
    struct larger { pb_event event; uint64_t more; };
    static pb_status frames(void *decoder, const pb_frame *frames, uint32_t count, const pb_event_sink *events) {
        struct decoder *self = decoder;
        for (uint32_t n = 0; n < count; n++) {
            pb_str data = frames[n].data;
            if (self->frames++ == 0) {
                pb_event start = event(PB_EVENT_START);
                start.id = (pb_str){self->request, strlen(self->request)};
                start.name = LIT("model-y");
                pb_status status = events->emit(events, &start, 1);
                if (status < 0) return PB_E_STOPPED;
            }
            struct larger both[2];
            memset(both, 0, sizeof both);
            both[0].event = event(PB_EVENT_PART_DELTA);
            both[1].event = event(PB_EVENT_PING);
            both[0].event.size = both[1].event.size = sizeof(struct larger);
            both[0].event.text = data;
            if (has_text(data)) both[0].event.text = (pb_str){data.ptr + 6, data.len - 8};
            if (frames[n].event.ptr) both[0].event.name = frames[n].event;
            uint32_t made = 2;
            if (data.len > 6 && !memcmp(data.ptr, "usage ", 6)) {
                both[0].event.type = PB_EVENT_USAGE;
                both[0].event.output_tokens = (uint64_t)(data.ptr[6] - '0');
                both[0].event.text = (pb_str){NULL, 0};
            } else if (is(data, "finish")) {
                both[0].event.type = PB_EVENT_FINISH;
                both[0].event.reason = PB_FINISH_LENGTH;
            } else if (is(data, "error")) {
                both[0].event.type = PB_EVENT_ERROR;
                both[0].event.reason = PB_CATEGORY_OVERLOADED;
                both[0].event.text = LIT("busy");
            } else if (is(data, "small")) {
                /* A smaller record, as an earlier version would send. */
                pb_event small = event(PB_EVENT_PART_DELTA);
                small.size = 48;
                small.text = LIT("<small>");
                if (events->emit(events, &small, 1) < 0) return PB_E_STOPPED;
                continue;
            }
            if (events->emit(events, &both[0].event, made) < 0) return PB_E_STOPPED;
        }
        return PB_OK;
    }
    static pb_status finish(void *decoder, uint32_t reason, const pb_event_sink *events) {
        (void)decoder;
        pb_event end = event(PB_EVENT_END);
        if (reason == PB_END_OF_STREAM) end.flags = PB_EVENT_CLEAN;
        return events->emit(events, &end, 1) < 0 ? PB_E_STOPPED : PB_OK;
    }
    static void close_decoder(void *decoder) { free(decoder); }

    static pb_status open_encoder(void *i, const pb_codec_parameters *p, void **encoder) {
        (void)i; (void)p;
        *encoder = malloc(1);
        return PB_OK;
    }
    static pb_status write_events(void *encoder, const pb_event *events, uint32_t count, const pb_sink *wire) {
        (void)encoder;
        for (uint32_t n = 0; n < count; n++) {
            const pb_event *one = (const pb_event *)((const char *)events + (size_t)n * events[0].size);
            char text[32];
            snprintf(text, sizeof text, "[%u]", one->type);
            if (one->type == PB_EVENT_PING) continue;
            if (is(one->text, "explode")) return PB_E_INTERNAL;
            if (wire->write(wire, (pb_str){text, strlen(text)}) < 0) return PB_E_STOPPED;
            if (one->text.ptr && wire->write(wire, one->text) < 0) return PB_E_STOPPED;
        }
        return PB_OK;
    }
    static void close_encoder(void *encoder) { free(encoder); }
    /* A frame {"t":"..."}; one that says "lie" is said to have a place beyond its end. Of a frame with "n":"..." that
       string may vary. */
    static pb_status decoder_pattern(void *decoder, const pb_frame *frame, pb_pattern *pattern) {
        (void)decoder;
        const char *noise = memmem(frame->data.ptr, frame->data.len, "\"n\":\"", 5);
        if (noise) {
            noise += 5;
            const char *end = memchr(noise, '"', (size_t)(frame->data.ptr + frame->data.len - noise));
            pattern->hole_count = 1;
            pattern->holes[0] =
                (pb_hole){PB_HOLE_STRING, (uint32_t)(noise - frame->data.ptr), (uint32_t)(end - noise)};
            return PB_OK;
        }
        if (!has_text(frame->data)) return PB_E_UNSUPPORTED;
        uint32_t length = (uint32_t)frame->data.len - 8;
        if (is(frame->data, "{\"t\":\"lie\"}")) length = 4000;
        pattern->hole_count = 1;
        pattern->holes[0] = (pb_hole){PB_HOLE_TEXT, 6, length};
        pattern->field = PB_FIELD_TEXT;
        return PB_OK;
    }
    static pb_status encoder_pattern(void *encoder, uint32_t choice, uint32_t part, uint32_t field,
                                     const pb_sink *before, const pb_sink *behind) {
        (void)encoder; (void)choice; (void)part; (void)behind;
        if (field != PB_FIELD_TEXT) return PB_E_UNSUPPORTED;
        return before->write(before, LIT("[3]"));
    }
    static pb_status heartbeat(void *i, const pb_sink *wire) { (void)i; return wire->write(wire, LIT(": ping\n\n")); }

    const pb_codec exerciser_codec = {
        sizeof exerciser_codec, PB_FRAMING_SSE, rtc, rfc, stc, sfc, tap, etc, efc, open_decoder, frames, finish,
        close_decoder, open_encoder, write_events, close_encoder, heartbeat,
        decoder_pattern, encoder_pattern,
    };
    """#
