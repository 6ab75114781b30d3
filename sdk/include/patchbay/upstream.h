/*
 * patchbay/upstream.h - how a platform adapter shapes and judges one attempt of a proxied request.
 *
 * Both functions are pure: the same instance and the same input give the same output. The host may call
 * them again, cache what they say, or call them in another process.
 */
#ifndef PATCHBAY_UPSTREAM_H
#define PATCHBAY_UPSTREAM_H

#include "patchbay/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PB_UPSTREAM_ID "patchbay.upstream/1"

/** The caller asked for a stream. */
#define PB_ATTEMPT_STREAM 0x1u

/**
 * One attempt, before it is sent. Views are valid until prepare returns.
 *
 * format           wire format of the body to be sent, such as "openai.chat" or "anthropic.messages".
 * operation        what is asked of it: "generate", "count_tokens", "embed", "models" ...
 * base_url         of the site, without a trailing slash.
 * requested_model  what the client asked for; upstream_model what this channel calls it.
 * credential_kind  "api_key", "access_token", "session" ...: the names usable in `${secret:NAME}` are
 *                  those of the kind, "api_key" for the kind "api_key".
 * query            of the client's request, without "?"; may be absent.
 * body_size        in bytes.
 */
typedef struct pb_attempt {
    uint32_t size;
    uint32_t flags;
    pb_str format;
    pb_str operation;
    pb_str base_url;
    pb_str requested_model;
    pb_str upstream_model;
    pb_str credential_kind;
    pb_str query;
    uint64_t body_size;
    /** Owned by the host. */
    void *ctx;
    /**
     * [hot] Value of a header of the client's request (name in lower case); absent if there is none. The values of a
     * header that is there several times are joined by commas.
     */
    pb_str (*header)(const struct pb_attempt *attempt, pb_str name);
} pb_attempt;

/**
 * Collects what prepare decides. The host owns it. Each function copies its views and returns PB_OK, or
 * PB_E_TOO_LARGE when the request grows beyond the host's limits, or PB_E_INVALID for bytes that cannot
 * stand in a URL or a header.
 */
typedef struct pb_request_builder {
    uint32_t size;
    uint32_t reserved;
    /** Owned by the host. */
    void *ctx;
    /** [hot] The absolute URL. Required. Its origin must be that of base_url or one declared in the manifest. */
    pb_status (*set_url)(const struct pb_request_builder *builder, pb_str url);
    /** [hot] The method; POST unless set. */
    pb_status (*set_method)(const struct pb_request_builder *builder, pb_str method);
    /**
     * [hot] Sets a header, replacing one of the same name that the host would forward from the client.
     * `${secret:NAME}` in the value is filled in by the host. An absent value removes the header.
     */
    pb_status (*set_header)(const struct pb_request_builder *builder, pb_str name, pb_str value);
    /**
     * [hot] Replaces or adds a member of the body, or removes it if `json` is absent. `pointer` is a JSON
     * pointer to a top-level member ("/model") or to a member of a top-level object. Everything else in
     * the body stays as it is, byte for byte. The host itself patches "/model" where the format has one.
     */
    pb_status (*patch)(const struct pb_request_builder *builder, pb_str pointer, pb_str json);
} pb_request_builder;

/** Whose fault a failure is. Only that party is penalised. */
enum {
    PB_FAULT_NONE = 0,
    /** The request itself is wrong; no other channel would take it. */
    PB_FAULT_CLIENT = 1,
    /** The model is unknown or not served here; other models of the site are fine. */
    PB_FAULT_MODEL = 2,
    /** The credential is invalid, expired or forbidden. */
    PB_FAULT_CREDENTIAL = 3,
    /** The account has run out of balance or quota. */
    PB_FAULT_QUOTA = 4,
    /** Too many requests or tokens in a window. */
    PB_FAULT_RATE = 5,
    /** The upstream is overloaded. */
    PB_FAULT_OVERLOAD = 6,
    /** The site is broken: 5xx, nonsense answers, wrong base URL. */
    PB_FAULT_SITE = 7,
    /** Connection refused, reset, time-out. */
    PB_FAULT_NETWORK = 8,
    /** A page that wants a browser or a person. */
    PB_FAULT_CHALLENGE = 9,
    /** The endpoint or wire format is not supported here; another format of the site may be. */
    PB_FAULT_ENDPOINT = 10
};

/** What may be tried next. */
enum {
    PB_RETRY_NONE = 0,
    PB_RETRY_SAME_CHANNEL = 1,
    PB_RETRY_OTHER_ACCOUNT = 2,
    PB_RETRY_OTHER_CHANNEL = 3
};

enum { PB_TRANSPORT_NONE = 0, PB_TRANSPORT_CONNECT = 1, PB_TRANSPORT_TLS = 2, PB_TRANSPORT_RESET = 3,
       PB_TRANSPORT_TIMEOUT = 4, PB_TRANSPORT_PROTOCOL = 5, PB_TRANSPORT_DENIED = 6 };

/**
 * How an attempt ended, or began to end.
 *
 * http_status       0 when no head arrived.
 * transport         one of PB_TRANSPORT_; PB_TRANSPORT_NONE when an answer arrived.
 * body              the first bytes of the answer (at most 64 KiB), after content decoding. For a
 *                   stream the data of the first event.
 * bytes_to_client   already sent to the client: above 0 nothing can be tried again. 0 also where another attempt can go
 *                   on from what was sent.
 */
typedef struct pb_outcome {
    uint32_t size;
    uint32_t flags;
    uint32_t http_status;
    uint32_t transport;
    pb_str format;
    pb_str operation;
    pb_str body;
    uint64_t bytes_to_client;
    /** Owned by the host. */
    void *ctx;
    /** [hot] Value of a header of the answer (name in lower case); absent if there is none. */
    pb_str (*header)(const struct pb_outcome *outcome, pb_str name);
} pb_outcome;

/** The credential should not be used again until a person or a login has renewed it. */
#define PB_VERDICT_DISABLE_CREDENTIAL 0x1u
/** A new login may help. */
#define PB_VERDICT_LOGIN_AGAIN 0x2u

/**
 * What classify decides. The host sets `size` and zeroes the rest; the plugin fills in.
 *
 * fault           one of PB_FAULT_; PB_FAULT_NONE means the answer is good.
 * retry           one of PB_RETRY_.
 * cooldown_ms     how long the party at fault should rest; 0 = the host decides.
 * retry_after_ms  what the upstream asked for; 0 = nothing.
 */
typedef struct pb_verdict {
    uint32_t size;
    uint32_t fault;
    uint32_t retry;
    uint32_t flags;
    uint64_t cooldown_ms;
    uint64_t retry_after_ms;
} pb_verdict;

/**
 * In pb_upstream.flags: prepare does not look at body_size. What it says then depends on nothing but the other
 * fields of the attempt and the headers that it asks for, and the host may keep it for attempts in which these are
 * the same, for as long as the instance lives. What stands for `${secret:NAME}` is taken anew when the credential
 * changes.
 */
#define PB_UPSTREAM_IGNORES_SIZE 0x1u

typedef struct pb_upstream {
    uint32_t size;
    uint32_t reserved;

    /** [hot] Shapes the request. An error skips the channel; the sentence goes to `error`. */
    pb_status (*prepare)(void *instance, const pb_attempt *attempt, const pb_request_builder *builder,
                         const pb_sink *error);

    /**
     * [hot] Judges an outcome that is not plainly good, and answers with status 200 whose body is not what
     * the format promises. One sentence for the log may go to `reason`. PB_E_UNSUPPORTED leaves the
     * judgement to the host's own table.
     */
    pb_status (*classify)(void *instance, const pb_outcome *outcome, pb_verdict *verdict, const pb_sink *reason);

    /** Since 1.1: PB_UPSTREAM_ flags. */
    uint64_t flags;
} pb_upstream;

#ifdef __cplusplus
}
#endif
#endif
