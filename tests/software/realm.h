/* realm.h - a software realm in this process, over an engine that can fail, and its clients. */
#ifndef RIND_TESTS_SOFTWARE_REALM_H
#define RIND_TESTS_SOFTWARE_REALM_H

#include "auth/auth.h"
#include "software/software.h"
#include "store/fault_engine.h"
#include "support/test.h"
#include "wire/wire.h"

#define REALM_TENANT "acme"
#define REALM_USER "mario"

struct realm {
    struct fault_engine fault;
    char directory[64]; /* of LMDB; empty: memory */
    struct rind_store *store;
    struct rind_tenant_keys *keys;
    struct rind_software_list *list; /* of events */
    struct rind_software_events events;
    struct rind_event_source event_source;
    atomic_bool refuses_events;
    struct rind_software *software;
    struct rind_token_key *key;
    struct rind_realm_id id;
    struct rind_arena *arena;
    struct rind_ctx ctx;
    const char *token; /* of REALM_USER; in the arena */
    const char *audit_token;
};

enum realm_engine { REALM_MEMORY, REALM_LMDB };

void realm_open(struct realm *realm, enum realm_engine engine);
void realm_close(struct realm *realm);

/* A token of these claims (JSON), signed with the tenant's key; in the arena. */
const char *realm_forge(struct realm *realm, const char *header, const char *claims);

struct realm_request {
    const char *method;     /* NULL: POST */
    const char *path;       /* NULL: /req */
    const char *headers[6]; /* "Name: value", up to the first NULL */
    struct rind_slice body;
    bool is_chunked; /* no content-length */
};

struct realm_answer {
    unsigned status;
    char head[2048];
    uint8_t body[2048];
    size_t body_size;
};

/* Sends it over a connection of its own. Thread-safe. */
void realm_send(const struct realm *realm, const struct realm_request *request,
                struct realm_answer *answer);

bool realm_body_is(const struct realm_answer *answer, const char *text);

/* A protocol request with the user's token and a good version. Thread-safe. */
void realm_ask(const struct realm *realm, const struct rind_secrets_request *request,
               struct realm_answer *answer);

/* Registers REALM_USER with versions of sevens. */
void realm_register(const struct realm *realm, uint16_t num_guesses);

/* A Recover2 that is good for this registration. */
struct rind_secrets_request realm_recover2(void);

/* The answer's response; fails the test if it is none. */
struct rind_secrets_response realm_response(const struct realm_answer *answer);

#endif
