/*
 * rind.h - librind: keep a secret behind a short PIN, and get it back with the PIN alone.
 *
 * The secret is split over several services called realms, each of which answers few guesses. This
 * library registers a secret with them, recovers it, and deletes it. It works with every realm that
 * speaks the Juicebox protocol 0.3, hardware or software. Neither PIN nor secret leaves the machine
 * in a form that a realm, or fewer realms than the configuration's threshold, could use.
 *
 *     char why[RIND_SENTENCE_SIZE];
 *     struct rind_configuration *configuration = rind_configuration_parse(json, why);
 *     struct rind_auth_token tokens[] = {{{0x01, ...}, "eyJ..."}};
 *     struct rind_user_options options = {.configuration = configuration,
 *                                           .tokens = tokens, .token_count = 1};
 *     struct rind_user *user = rind_user_new(&options, why);
 *
 *     struct rind_failure failure;
 *     struct rind_recovered recovered;
 *     enum rind_error error = rind_user_recover(user, RIND_TEXT("1234"), RIND_TEXT("info"),
 *                                                 &recovered, &failure);
 *     ... recovered.secret, recovered.secret_size ...
 *     rind_recovered_wipe(&recovered);
 *
 * A whole program: examples/recover.c. Link with `pkg-config --libs rind`.
 *
 * Rules that hold for all functions:
 *  - Calls block until they have an answer. Call from a thread of yours if you cannot wait:
 *    hashing a PIN takes the processor for around a second, by design. rind_user_cancel ends the
 *    wait from another thread.
 *  - Every object may be used by any number of threads at once, except while it is freed.
 *  - Bytes and texts are borrowed for the call, never kept, unless a function says so.
 *  - Zeroed members of an options struct mean the default. Initialise them by name as above.
 *  - Whatever a realm or the network sends, nothing crashes: it ends in an error code.
 *  - The library creates threads for requests to several realms at once; they block all signals.
 *  - Secrets inside the library are kept in memory that is not swapped, and wiped after use.
 *    Wiping yours is up to you.
 */
#ifndef RIND_RIND_H
#define RIND_RIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RIND_LIBRARY_VERSION "0.1.0"
#define RIND_PROTOCOL_VERSION "0.3.4" /* announced to realms */

#define RIND_REALM_ID_SIZE 16
#define RIND_REALM_PUBLIC_KEY_SIZE 32
#define RIND_SECRET_SIZE_MAX 128   /* bytes of the largest secret; put a key to more data in it */
#define RIND_REALMS_MAX 255        /* realms in one configuration */
#define RIND_CONFIGURATIONS_MAX 32 /* previous configurations of one user */
#define RIND_TOKEN_SIZE_MAX 2048   /* a token with its NUL; realms accept 1000 characters */
#define RIND_TRANSPORT_BODY_SIZE_MAX 4096 /* what is kept of a response; a legal one has 1 KiB */
#define RIND_TRANSPORT_REASON_SIZE 160    /* of why there was no answer, with its NUL */
#define RIND_SENTENCE_SIZE 256            /* of a sentence with its NUL */

/* The version of the library at run time, RIND_LIBRARY_VERSION at compile time. Static text. */
const char *rind_library_version(void);

/* ---- Bytes ------------------------------------------------------------------------------------
 */

/* Bytes that somebody else owns. `data` may be NULL when `size` is 0. */
struct rind_bytes {
    const void *data;
    size_t size;
};

/* The characters of a text, without its NUL. PINs are bytes: no trimming, no Unicode rules. */
#define RIND_TEXT(text) ((struct rind_bytes){(text), strlen(text)})

/* ---- Errors -----------------------------------------------------------------------------------
 */

/* What an operation came to. When several realms fail, the first in this order is reported. */
enum rind_error {
    RIND_ERROR_NONE = 0,
    /* recover only: wrong PIN (or wrong info), or no guesses left: failure.guesses_remaining */
    RIND_ERROR_INVALID_PIN,
    /* recover only: nothing usable is registered with any of the configurations */
    RIND_ERROR_NOT_REGISTERED,
    /* a realm refused its token, or there is no token for it: get new tokens */
    RIND_ERROR_INVALID_AUTH,
    /* a realm wants a newer protocol: update the application */
    RIND_ERROR_UPGRADE_REQUIRED,
    /* the tenant is over its quota: try again later */
    RIND_ERROR_RATE_LIMIT_EXCEEDED,
    /* a realm or this library broke the protocol: do not try again unchanged */
    RIND_ERROR_ASSERTION,
    /* the network or a realm is unavailable: try again */
    RIND_ERROR_TRANSIENT,
    /* an argument was refused before anything was sent: failure.sentence says which */
    RIND_ERROR_INVALID_ARGUMENT,
    /* rind_user_cancel ended the operation: see there what may have happened */
    RIND_ERROR_CANCELLED,
};

/* How an operation failed. */
struct rind_failure {
    enum rind_error error;
    uint16_t guesses_remaining;        /* with RIND_ERROR_INVALID_PIN: 0 when locked */
    char sentence[RIND_SENTENCE_SIZE]; /* for people; never holds a secret; no fixed wording */
};

/* The name of an error, such as "InvalidPin". Static text. */
const char *rind_error_name(enum rind_error error);

/* ---- Configurations ---------------------------------------------------------------------------
 */

/* How expensive a guess at the PIN is for somebody who got at enough realms' data. */
enum rind_pin_hashing_mode {
    RIND_PIN_HASHING_STANDARD_2019 = 0, /* Argon2id, 16 MiB, 32 passes: around a second */
    RIND_PIN_HASHING_FAST_INSECURE = 1, /* for tests only */
};

struct rind_realm {
    uint8_t id[RIND_REALM_ID_SIZE];
    const char *address; /* http or https URL; requests go to "req" relative to it */
    bool has_public_key; /* true for a hardware realm */
    uint8_t public_key[RIND_REALM_PUBLIC_KEY_SIZE];
};

/*
 * Which realms keep the secret and how many of them it takes. Immutable.
 *
 * The secret can be recovered later only with the very set of realms (ids) it was registered with.
 */
struct rind_configuration;

/*
 * A configuration from its JSON form, with exactly the members below (others are ignored):
 *
 *     {"realms": [{"id": "<32 hex digits>", "address": "https://...", "public_key": "<64 hex>"}],
 *      "register_threshold": 3, "recover_threshold": 3, "pin_hashing_mode": "Standard2019"}
 *
 * A realm without `public_key` (or with null) is a software realm. Rules: 1 to RIND_REALMS_MAX
 * realms with different ids; recover_threshold more than half of them and at most all;
 * register_threshold at least recover_threshold and at most all of them.
 *
 * Returns NULL, with the reason in `why` (RIND_SENTENCE_SIZE bytes, may be NULL), if a rule is
 * broken or memory is short. Release with rind_configuration_free.
 */
struct rind_configuration *rind_configuration_parse(const char *json, char *why);

/* The same from values; they are copied. */
struct rind_configuration *rind_configuration_new(const struct rind_realm *realms,
                                                  size_t realm_count, uint32_t register_threshold,
                                                  uint32_t recover_threshold,
                                                  enum rind_pin_hashing_mode mode, char *why);

/* NULL is ignored. */
void rind_configuration_free(struct rind_configuration *configuration);

/* JSON text, indented, in normal form; release with free(). NULL when memory is short. */
char *rind_configuration_print(const struct rind_configuration *configuration);

/* True if all members are equal, the order of the realms included; also if both are NULL. */
bool rind_configuration_equal(const struct rind_configuration *a,
                              const struct rind_configuration *b);

size_t rind_configuration_realm_count(const struct rind_configuration *configuration);

/* The realm at `index`, in the order given; borrowed from the configuration. NULL beyond the end.
 */
const struct rind_realm *rind_configuration_realm(const struct rind_configuration *configuration,
                                                  size_t index);

/* ---- Tokens -----------------------------------------------------------------------------------
 */

/* The JWT with which a realm lets its user in. Your servers make them; they live for minutes. */
struct rind_auth_token {
    uint8_t realm_id[RIND_REALM_ID_SIZE];
    const char *jwt;
};

/*
 * Asks the application for the token of a realm. Writes it with its NUL to `jwt` (`jwt_size` is
 * RIND_TOKEN_SIZE_MAX) and returns true; or returns false: the realm then counts as having refused
 * the user. Called on any thread, several at once, for each request; it may block (to fetch one).
 */
typedef bool (*rind_auth_token_get)(void *self, const uint8_t realm_id[RIND_REALM_ID_SIZE],
                                    char *jwt, size_t jwt_size);

/* A token generator on the device, for applications without a token server. */
struct rind_auth_token_generator;

/*
 * From its JSON form: {"key": "<hex Ed25519 PKCS#8>", "tenant": "...", "version": <number>}.
 * NULL with the reason in `why` (RIND_SENTENCE_SIZE bytes, may be NULL) if it is not one.
 */
struct rind_auth_token_generator *rind_auth_token_generator_parse(const char *json, char *why);

/*
 * Writes a token (with its NUL, at most RIND_TOKEN_SIZE_MAX bytes) that lets `secret_id` into
 * `realm_id` for ten minutes. The secret id names the user: any 16 bytes, random ones are best.
 */
void rind_auth_token_generator_vend(const struct rind_auth_token_generator *generator,
                                    const uint8_t realm_id[RIND_REALM_ID_SIZE],
                                    const uint8_t secret_id[16], char *jwt);

/* Wipes and releases; NULL is ignored. */
void rind_auth_token_generator_free(struct rind_auth_token_generator *generator);

/* ---- HTTP -------------------------------------------------------------------------------------
 */

struct rind_transport_header {
    const char *name;
    const char *value;
};

/* One POST. All pointers live until `send` returns. Header values may be secret: do not log them.
 */
struct rind_transport_request {
    const char *url;
    const struct rind_transport_header *headers; /* send exactly these, and those HTTP needs */
    size_t header_count;
    struct rind_bytes body;
    uint32_t timeout_ms; /* for the whole exchange */
    /*
     * is_abandoned(abandon_self) is true once nobody waits for the answer: a transport should poll
     * it and give up early, or rind_user_cancel and rind_user_free have to wait for it. A request
     * may be copied, to send it on changed.
     */
    bool (*is_abandoned)(const void *abandon_self);
    const void *abandon_self;
};

/* The answer. It comes zeroed, which means "no answer". */
struct rind_transport_response {
    uint16_t status;   /* HTTP status; 0 when there was no whole answer */
    bool was_not_sent; /* with status 0: surely nothing reached the realm (connection refused) */
    size_t body_size;  /* bytes in body; leave away what does not fit */
    uint8_t body[RIND_TRANSPORT_BODY_SIZE_MAX];
    /* With status 0: why, for the failure's sentence, printable; "" if the transport cannot say. */
    char reason[RIND_TRANSPORT_REASON_SIZE];
};

/*
 * How requests get to realms: give your own instead of the built-in one. `send` blocks until it has
 * the answer or timeout_ms are over. It must check TLS certificates, must not follow redirects, and
 * is called by several threads at once.
 */
struct rind_transport {
    void (*send)(void *self, const struct rind_transport_request *request,
                 struct rind_transport_response *response);
    void *self;
};

/* The built-in transport: libcurl, HTTP/2, connections kept alive and used again. */
struct rind_https;

/* One exchange that has ended, for whoever measures. Valid during the call. */
struct rind_https_exchange {
    const char *url;
    uint16_t status;     /* HTTP status; 0 when there was no whole answer */
    const char *reason;  /* with status 0: why; otherwise "" */
    uint64_t elapsed_ns; /* from before a connection was looked for until the last byte */
    /*
     * The value of the answer's header called `name` (case does not matter), or of the `index`th of
     * that name; NULL if there is none. It is what the peer sent, and valid until the next
     * question.
     */
    const char *(*header)(const struct rind_https_exchange *exchange, const char *name,
                          size_t index);
    void *transport_self; /* the transport's own */
};

struct rind_https_options {
    const char *ca_file; /* PEM file with the only roots to trust; NULL: the system's roots */
    uint32_t connect_timeout_ms; /* 0: 10 s */
    bool is_plain_http_allowed;  /* false: only https addresses are connected to */
    /* Told of each exchange when it has ended, on the thread that waits for it; NULL: nobody. */
    void (*observe)(void *observe_self, const struct rind_https_exchange *exchange);
    void *observe_self;
};

/* NULL with the reason in `why` (RIND_SENTENCE_SIZE bytes, may be NULL). `options` may be NULL. */
struct rind_https *rind_https_new(const struct rind_https_options *options, char *why);

/*
 * The transport to put into any number of users' options. `https` must outlive these users.
 * Users that share one share its connections: so do it when a process serves many users.
 */
struct rind_transport rind_https_transport(struct rind_https *https);

/* Closes all connections; NULL is ignored. */
void rind_https_free(struct rind_https *https);

/* ---- Users ------------------------------------------------------------------------------------
 */

struct rind_user_options {
    const struct rind_configuration *configuration; /* required; copied */
    /*
     * Configurations that secrets may have been registered with earlier, most recent first; copied.
     * Recover tries them when the current one has nothing. It does not register again: call
     * rind_user_register to move a user to the current configuration.
     */
    const struct rind_configuration *const *previous;
    size_t previous_count; /* at most RIND_CONFIGURATIONS_MAX */
    /* Tokens: either a list, copied ... */
    const struct rind_auth_token *tokens;
    size_t token_count;
    /* ... or a function, which wins if both are given. */
    rind_auth_token_get token_get;
    void *token_self;
    /* Transport: send == NULL means a built-in one of the user's own. */
    struct rind_transport transport;
    uint32_t request_timeout_ms; /* per HTTP request; 0: 30 s */
    const char *user_agent;      /* copied; NULL: "JuiceboxSdk-C/" and the protocol version */
};

/* One user's access to the realms. Keeps sessions between operations: make one and keep it. */
struct rind_user;

/* NULL with the reason in `why` (RIND_SENTENCE_SIZE bytes, may be NULL). */
struct rind_user *rind_user_new(const struct rind_user_options *options, char *why);

/* Replaces the list of tokens, as new ones arrive. Returns false, changing nothing, when memory is
 * short. */
bool rind_user_set_tokens(struct rind_user *user, const struct rind_auth_token *tokens,
                          size_t token_count);

/* Waits for requests that nobody waits for any more (at most one timeout). NULL is ignored. */
void rind_user_free(struct rind_user *user);

/*
 * Registers `secret` (at most RIND_SECRET_SIZE_MAX bytes) under `pin`, replacing whatever the user
 * had registered. `info` is any data of the user's that makes equal PINs hash differently, such as
 * an account number; the same must be given to recover. After `num_guesses` wrong PINs in a row the
 * realms destroy the secret; 0 makes it unusable at once.
 *
 * A failure can leave some realms with the new secret and others with the old, so that neither can
 * be recovered: register again. Returns failure->error. `failure` may be NULL.
 */
enum rind_error rind_user_register(struct rind_user *user, struct rind_bytes pin,
                                   struct rind_bytes secret, struct rind_bytes info,
                                   uint16_t num_guesses, struct rind_failure *failure);

/* A recovered secret. */
struct rind_recovered {
    size_t secret_size;
    uint8_t secret[RIND_SECRET_SIZE_MAX];
};

/*
 * Recovers the secret. Each call with a registered user spends one guess; the right PIN gives all
 * back. On failure `recovered` is wiped. Returns failure->error. `failure` may be NULL.
 */
enum rind_error rind_user_recover(struct rind_user *user, struct rind_bytes pin,
                                  struct rind_bytes info, struct rind_recovered *recovered,
                                  struct rind_failure *failure);

/* Overwrites the secret in a way that compilers do not drop. */
void rind_recovered_wipe(struct rind_recovered *recovered);

/*
 * Deletes the user's registration from all realms of the current configuration; fails if one of
 * them fails. Previous configurations are not touched. Returns failure->error.
 */
enum rind_error rind_user_delete(struct rind_user *user, struct rind_failure *failure);

/* ---- Cancelling -------------------------------------------------------------------------------
 */

/*
 * Ends the operations of `user` that are under way on other threads, such as when a person leaves
 * the screen: each returns RIND_ERROR_CANCELLED, or what it had come to already. Operations begun
 * later are not concerned. Returns at once, without waiting for them; calling it twice, or when
 * nothing is under way, does nothing. From any thread, but not from a signal handler, and not while
 * `user` is freed.
 *
 * How soon they return: at once when they wait for several realms; when they wait for the only
 * realm, as soon as the transport notices (the built-in one within around a second); after the hash
 * when a PIN is being hashed (around a second); and after the application's token_get when that is
 * what is waited for. What was derived is wiped before they return, as always.
 *
 * A cancelled operation is one whose outcome nobody knows, as after a lost answer: requests may
 * have reached realms, and may still do so for a moment.
 *   recover   a guess may have been spent, which only a later recover with the right PIN gives back
 *   register  realms may have the new secret, the old one, or some of each: register again
 *   delete    some realms may have deleted the registration: delete again
 */
void rind_user_cancel(struct rind_user *user);

#ifdef __cplusplus
}
#endif

#endif
