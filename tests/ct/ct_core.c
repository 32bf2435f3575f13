/*
 * ct_core.c - a core whose keys, draws and clients' plaintexts are secret, under valgrind.
 *
 * One client registers, recovers, guesses wrong, runs out of guesses and deletes, between requests
 * that are refused. Every code path that touches a secret is there: MACs of entries and statements,
 * the Noise responder, records, the OPRF with its proof, the comparisons of version and tag.
 *
 * "ct_core control" branches on a secret, and must be reported: the check would notice.
 */
#include <stdio.h>
#include <string.h>
#include <valgrind/memcheck.h>

#include "ct/declassify.h"
#include "hsm/cluster.h"
#include "hsm/state.h"

#define CORE_GUESSES 2u
#define CORE_EPHEMERAL_SIZE 32u
#define CORE_PROOF_SCALAR_SIZE 64u

struct world {
    struct cluster *cluster;
    struct rind_group_id group;
    struct cluster_client client;
    struct rind_secrets_request register2;
};

/* Ephemeral keys and proof scalars are secret; ids, nonces and the seeds of hash tables are not. */
static void core_random_fill(void *self, void *bytes, size_t size)
{
    cluster_random_fill(self, bytes, size);
    if (size == CORE_EPHEMERAL_SIZE || size == CORE_PROOF_SCALAR_SIZE) {
        ct_secret(bytes, size);
    }
}

/* Boots with secret keys; from then on its draws are secret too. */
static void core_boot(struct world *world)
{
    struct cluster_hsm *hsm = &world->cluster->hsms[0];
    cluster_stop(world->cluster, 0);
    ct_secret(&hsm->keys.communication_private, sizeof(hsm->keys.communication_private));
    ct_secret(&hsm->keys.record, sizeof(hsm->keys.record));
    ct_secret(&hsm->keys.mac, sizeof(hsm->keys.mac));
    rind_status status = cluster_boot(world->cluster, 0);
    RIND_ASSERT(rind_is_ok(status));
    hsm->core->random = (struct rind_random){.fill = core_random_fill, .self = &hsm->random};
}

static struct rind_secrets_response core_ask(struct world *world,
                                             const struct rind_secrets_request *request)
{
    struct rind_secrets_response response =
        cluster_client_ask(world->cluster, 0, &world->group, &world->client, request);
    RIND_ASSERT((int)response.kind == (int)request->kind);
    return response;
}

static void core_recover2(struct world *world, bool is_same_version,
                          enum rind_recover2_response_kind expected)
{
    struct rind_secrets_request request = cluster_recover2(&world->register2);
    request.recover2.version[0] ^= is_same_version ? 0 : 1;
    RIND_ASSERT(core_ask(world, &request).recover2.kind == expected);
}

static void core_recover3(struct world *world, bool is_same_version, bool is_same_tag,
                          enum rind_recover3_response_kind expected)
{
    struct rind_secrets_request request = cluster_recover3(&world->register2);
    request.recover3.version[15] ^= is_same_version ? 0 : 1;
    request.recover3.unlock_key_tag[15] ^= is_same_tag ? 0 : 1;
    RIND_ASSERT(core_ask(world, &request).recover3.kind == expected);
}

/* Each answer of each request. */
static void core_serve(struct world *world)
{
    struct rind_secrets_request recover1 = cluster_simple(RIND_SECRETS_REQUEST_RECOVER1);
    struct rind_secrets_request register1 = cluster_simple(RIND_SECRETS_REQUEST_REGISTER1);
    struct rind_secrets_request delete = cluster_simple(RIND_SECRETS_REQUEST_DELETE);
    (void)core_ask(world, &register1);
    RIND_ASSERT(core_ask(world, &recover1).recover1.kind == RIND_RECOVER1_NOT_REGISTERED);
    core_recover2(world, true, RIND_RECOVER2_NOT_REGISTERED);
    core_recover3(world, true, true, RIND_RECOVER3_NOT_REGISTERED);

    (void)core_ask(world, &world->register2);
    RIND_ASSERT(core_ask(world, &recover1).recover1.kind == RIND_RECOVER1_OK);
    core_recover2(world, false, RIND_RECOVER2_VERSION_MISMATCH);
    core_recover2(world, true, RIND_RECOVER2_OK);
    core_recover3(world, false, true, RIND_RECOVER3_VERSION_MISMATCH);
    core_recover3(world, true, false, RIND_RECOVER3_BAD_UNLOCK_KEY_TAG);
    core_recover3(world, true, true, RIND_RECOVER3_OK);

    core_recover2(world, true, RIND_RECOVER2_OK);
    core_recover2(world, true, RIND_RECOVER2_OK);
    core_recover2(world, true, RIND_RECOVER2_NO_GUESSES);
    core_recover3(world, true, true, RIND_RECOVER3_NO_GUESSES);
    RIND_ASSERT(core_ask(world, &recover1).recover1.kind == RIND_RECOVER1_NO_GUESSES);
    (void)core_ask(world, &world->register2);
    (void)core_ask(world, &delete);
}

static enum rind_hsm_app_response_kind core_app(struct world *world,
                                                const struct rind_noise_request *encrypted)
{
    return cluster_app(world->cluster, 0, &world->group, &world->client, encrypted).kind;
}

/* Messages that do not decrypt, do not decode, or come with a key of low order. */
static void core_refuse(struct world *world)
{
    struct cluster *cluster = world->cluster;
    struct cluster_client *client = &world->client;
    struct rind_noise_request sealed =
        cluster_client_seal(cluster, client, rind_slice_text("no request"));
    RIND_ASSERT(core_app(world, &sealed) == RIND_HSM_APP_DECODING_ERROR);
    RIND_ASSERT(core_app(world, &sealed) == RIND_HSM_APP_MISSING_SESSION);
    cluster_client_connect(cluster, 0, &world->group, client);
    RIND_ASSERT(core_app(world, &sealed) == RIND_HSM_APP_SESSION_ERROR); /* of an older session */

    client->has_session = false;
    struct rind_secrets_request request = cluster_recover2(&world->register2);
    sealed = cluster_client_seal(cluster, client, cluster_encode_secrets(cluster, &request));
    RIND_ASSERT(core_app(world, &sealed) == RIND_HSM_APP_SESSION_ERROR); /* needs a session */
    uint8_t low_order[RIND_X25519_SIZE] = {0};
    sealed.handshake.handshake.client_ephemeral_public = RIND_SLICE_OF(low_order);
    RIND_ASSERT(core_app(world, &sealed) == RIND_HSM_APP_SESSION_ERROR);
}

/* Statements that are right and wrong. */
static void core_testify(struct world *world)
{
    struct cluster *cluster = world->cluster;
    struct rind_captured captured = cluster_persist(cluster, 0).items[0];
    struct rind_captured_list list = {.items = &captured, .count = 1};
    RIND_ASSERT(cluster_commit_with(cluster, 0, &world->group, &list).kind == RIND_HSM_COMMIT_OK);
    captured.statement.bytes[31] ^= 1;
    RIND_ASSERT(cluster_commit_with(cluster, 0, &world->group, &list).kind ==
                RIND_HSM_COMMIT_NO_QUORUM);
    struct rind_log_entry forged = *cluster_last(cluster, &world->group);
    forged.entry_mac.bytes[0] ^= 1;
    RIND_ASSERT(cluster_capture_entries(cluster, 0, &world->group, &forged, 1).kind ==
                RIND_HSM_CAPTURE_NEXT_INVALID_MAC);
    core_boot(world); /* checks the realm's statement */
}

/* All records move to another group, which opens and seals them then; its nonces and statements
 * too. */
static void core_transfer(struct world *world)
{
    struct cluster *cluster = world->cluster;
    cluster_lead(cluster, 0, &world->group);
    RIND_ASSERT(cluster_commit(cluster, 0, &world->group).kind == RIND_HSM_COMMIT_OK);
    struct rind_group_id other = cluster_new_group(cluster, (const unsigned[]){0}, 1);
    RIND_ASSERT(cluster_commit(cluster, 0, &other).kind == RIND_HSM_COMMIT_OK);

    struct rind_owned_range upper = rind_owned_range_full();
    upper.start.bytes[0] = 0x40; /* the client's record is in it */
    cluster_transfer(cluster, 0, &world->group, 0, &other, &upper);
    struct rind_owned_range lower = rind_owned_range_full();
    memset(lower.end.bytes, 0xff, sizeof(lower.end.bytes));
    lower.end.bytes[0] = 0x3f;
    cluster_transfer(cluster, 0, &world->group, 0, &other, &lower);

    world->group = other;
    world->client.has_session = false;
    (void)core_ask(world, &world->register2);
    core_recover2(world, true, RIND_RECOVER2_OK);
    core_recover3(world, true, true, RIND_RECOVER3_OK);
}

static int core_check(void)
{
    struct world world = {.cluster = cluster_new(1, 3)};
    core_boot(&world);
    world.group = cluster_new_realm(world.cluster);
    RIND_ASSERT(cluster_commit(world.cluster, 0, &world.group).kind == RIND_HSM_COMMIT_OK);
    struct rind_record_id record = cluster_record(0x5a);
    cluster_client_init(&world.client, 4, &record);
    world.register2 = cluster_register2(5, CORE_GUESSES);
    core_serve(&world);
    core_refuse(&world);
    core_testify(&world);
    core_transfer(&world);
    cluster_free(world.cluster);
    printf("%zu requests with %zu secret bytes in plaintexts\n", ct_request_count(),
           ct_plaintext_count());
    return ct_plaintext_count() > 0 ? 0 : 1;
}

/* What the check is there to find. */
static int core_control(void)
{
    uint8_t secret[16] = {1};
    ct_secret(secret, sizeof(secret));
    if (memcmp(secret, "0123456789abcdef", sizeof(secret)) == 0) {
        printf("the secret is known\n");
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (!RUNNING_ON_VALGRIND) {
        fprintf(stderr, "this program checks something under valgrind only\n");
        return 1;
    }
    return argc > 1 && strcmp(argv[1], "control") == 0 ? core_control() : core_check();
}
