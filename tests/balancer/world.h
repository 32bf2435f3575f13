/*
 * world.h - a whole balancer in this process, between libcurl and scripted agents.
 *
 * Certificates, secrets and the discovery table are real; the store's engine can be told to fail.
 */
#ifndef RIND_TESTS_BALANCER_WORLD_H
#define RIND_TESTS_BALANCER_WORLD_H

#include "auth/auth.h"
#include "balancer/balancer.h"
#include "balancer/fake_agent.h"
#include "balancer/web.h"
#include "host/thread.h"

#define WORLD_REALM 0x05u
#define WORLD_TENANT "test-acme"
#define WORLD_KEY "an-auth-token-key"
#define WORLD_RECORD_KEY "32-bytes-to-randomize-record-IDs"
#define WORLD_WAIT_MS 30000u
#define WORLD_PAYLOAD "ciphertext that the balancer does not understand"

struct world {
    uint8_t *memory;
    struct rind_arena arena;
    struct rind_ctx ctx;
    char directory[64];
    char certificate_path[96];
    char key_path[96];
    char secrets_path[96];
    struct world_engine *engine; /* of the store */
    struct rind_store *store;
    struct rind_secrets *secrets;
    struct rind_metrics *metrics;
    struct rind_mutex metrics_mutex; /* guards the text */
    char metrics_text[65536];        /* of request.time: one line of tags each */
    size_t metrics_length;
    struct rind_balancer *balancer;
    int port;
    struct fake_agent agents[3];
};

/* Starts everything but agents. Requests do not wait for records that nobody serves. */
void world_open(struct world *world);

/* The same, but they do, for so long. */
void world_open_with_gap(struct world *world, uint64_t gap_ms);

/* Only files and an LMDB store that a balancer of its own process can share: world_store_name. */
void world_open_outside(struct world *world);
const char *world_store_name(const struct world *world);

void world_close(struct world *world);

/* Opens agent `index`, leading all records of WORLD_REALM, and registers it. */
struct fake_agent *world_add_agent(struct world *world, size_t index, uint8_t group);

/* Puts a URL into discovery. */
void world_register(struct world *world, const char *url);

/* Makes every read and write of the store fail from now on, or not any longer. */
void world_set_store_fails(struct world *world, bool fails);

/* The tags of all load_balancer.request.time so far, a line each, copied to
 * `text`. Returns how many lines. */
size_t world_request_times(struct world *world, char *text, size_t size);

/* Replaces the secrets file by `json`. */
void world_put_secrets(struct world *world, const char *json);

/* The JSON of the secrets a world begins with; `more` is put behind them, such as ",\"x\":{}". */
const char *world_secrets_json(const char *more);

/* A token of WORLD_TENANT for `user` in WORLD_REALM. */
struct rind_slice world_token(struct world *world, const char *user);

/* The CBOR of a request with this token; transport message or handshake of WORLD_PAYLOAD. */
struct rind_slice world_request_body(struct world *world, uint8_t realm, struct rind_slice token,
                                     bool is_handshake);

/* POSTs a body to /req with a good version header. */
void world_post(struct world *world, struct rind_slice body, struct web_answer *answer);

/* A good handshake request; returns the status, 0 if there was no answer. */
long world_try(struct world *world);

/* Tries until the status is `status`. */
void world_wait_for_status(struct world *world, long status);

/* The kind of the client response in an answer's body. */
enum rind_client_response_kind world_response_kind(struct world *world,
                                                   const struct web_answer *answer);

#endif
