/*
 * test_hsm_wipe.c - what a core leaves behind in memory: its keys in one place, and no plaintext of
 * any client anywhere (spec 02 section 16 item 15).
 *
 * The linker sends calls of rind_hsm_handle through the function below, which runs them on a stack
 * of their own and searches that afterwards, and all the memory that the core was given.
 */
#include "support/test.h"

#include <pthread.h>
#include <sys/mman.h>

#include "hsm/cluster.h"
#include "hsm/state.h"

#define WIPE_STACK_SIZE (1024u * 1024u)
/* So many bytes in a row are a find. The ends of a secret are left out: keys may be clamped. */
#define WIPE_WINDOW_SIZE 8u
#define WIPE_SECRETS_MAX 16u

struct wipe_secret {
    const char *name;
    uint8_t window[WIPE_WINDOW_SIZE];
    unsigned expected_count; /* in the core's memory */
};

static struct {
    uint8_t *stack;
    struct wipe_secret secrets[WIPE_SECRETS_MAX];
    unsigned secret_count;
    unsigned request_count;
    size_t depth_max; /* bytes of stack that a request used */
} wipe;

static unsigned wipe_count(const uint8_t *memory, size_t size, const uint8_t *window)
{
    unsigned count = 0;
    const uint8_t *end = memory + size;
    for (const uint8_t *at = memory;
         (at = memmem(at, (size_t)(end - at), window, WIPE_WINDOW_SIZE)) != NULL; at++) {
        count++;
    }
    return count;
}

static void wipe_add(const char *name, const uint8_t *secret, size_t size, unsigned expected_count)
{
    assert_true(size >= WIPE_WINDOW_SIZE + 4 && wipe.secret_count < WIPE_SECRETS_MAX);
    struct wipe_secret *added = &wipe.secrets[wipe.secret_count++];
    *added = (struct wipe_secret){.name = name, .expected_count = expected_count};
    memcpy(added->window, secret + 4, WIPE_WINDOW_SIZE);
}

struct wipe_call {
    struct rind_ctx *ctx;
    struct rind_hsm *hsm;
    struct rind_slice request;
    struct rind_buffer *response;
    rind_status status;
};

rind_status __real_rind_hsm_handle(struct rind_ctx *ctx, struct rind_hsm *hsm,
                                   struct rind_slice request, struct rind_buffer *response);
rind_status __wrap_rind_hsm_handle(struct rind_ctx *ctx, struct rind_hsm *hsm,
                                   struct rind_slice request, struct rind_buffer *response);

void __real_rind_wipe_stack(void);
void __wrap_rind_wipe_stack(void);

/* Before the core wipes its stack: how deep did it go? */
void __wrap_rind_wipe_stack(void)
{
    const uint8_t *here = __builtin_frame_address(0);
    if (wipe.stack != NULL && here > wipe.stack && here < wipe.stack + WIPE_STACK_SIZE) {
        const uint8_t *deepest = wipe.stack;
        while (deepest < here && *deepest == 0) {
            deepest++;
        }
        size_t depth = (size_t)(here - deepest);
        wipe.depth_max = depth > wipe.depth_max ? depth : wipe.depth_max;
    }
    __real_rind_wipe_stack();
}

static void *wipe_run(void *self)
{
    struct wipe_call *call = self;
    call->status = __real_rind_hsm_handle(call->ctx, call->hsm, call->request, call->response);
    return NULL;
}

rind_status __wrap_rind_hsm_handle(struct rind_ctx *ctx, struct rind_hsm *hsm,
                                   struct rind_slice request, struct rind_buffer *response)
{
    struct wipe_call call = {.ctx = ctx, .hsm = hsm, .request = request, .response = response};
    pthread_attr_t attributes;
    pthread_t thread;
    memset(wipe.stack, 0, WIPE_STACK_SIZE);
    assert_int_equal(pthread_attr_init(&attributes), 0);
    assert_int_equal(pthread_attr_setstack(&attributes, wipe.stack, WIPE_STACK_SIZE), 0);
    assert_int_equal(pthread_create(&thread, &attributes, wipe_run, &call), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)pthread_attr_destroy(&attributes);
    wipe.request_count++;
    for (unsigned i = 0; i < wipe.secret_count; i++) {
        unsigned count = wipe_count(wipe.stack, WIPE_STACK_SIZE, wipe.secrets[i].window);
        if (count != 0) {
            print_error("request %u left %s on the stack\n", wipe.request_count,
                        wipe.secrets[i].name);
        }
        assert_int_equal(count, 0);
    }
    return call.status;
}

struct fixture {
    struct cluster *cluster;
    struct rind_group_id group;
    struct cluster_client client;
    struct rind_secrets_request register2;
};

static int fixture_set_up(void **state)
{
    wipe.stack =
        mmap(NULL, WIPE_STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(wipe.stack, MAP_FAILED);
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->cluster = cluster_new(1, 41);
    const struct rind_realm_keys *keys = &fixture->cluster->hsms[0].keys;
    wipe_add("the private key", keys->communication_private.bytes, 32, 1);
    wipe_add("the record key", keys->record.bytes, 32, 1);
    wipe_add("the MAC key", keys->mac.bytes, 32, 1);

    fixture->group = cluster_new_realm(fixture->cluster);
    assert_int_equal(cluster_commit(fixture->cluster, 0, &fixture->group).kind, RIND_HSM_COMMIT_OK);
    struct rind_record_id record = cluster_record(0x17);
    cluster_client_init(&fixture->client, 2, &record);
    fixture->register2 = cluster_register2(3, 2);
    const struct rind_register2_request *fields = &fixture->register2.register2;
    wipe_add("a version", fields->version, sizeof(fields->version), 0);
    wipe_add("an OPRF key", fields->oprf_private_key, sizeof(fields->oprf_private_key), 0);
    wipe_add("a commitment", fields->unlock_key_commitment, sizeof(fields->unlock_key_commitment),
             0);
    wipe_add("a tag", fields->unlock_key_tag, sizeof(fields->unlock_key_tag), 0);
    wipe_add("a share", fields->encryption_key_scalar_share,
             sizeof(fields->encryption_key_scalar_share), 0);
    wipe_add("a secret", fields->encrypted_secret, sizeof(fields->encrypted_secret), 0);
    *state = fixture;
    return 0;
}

static int fixture_tear_down(void **state)
{
    struct fixture *fixture = *state;
    cluster_free(fixture->cluster);
    free(fixture);
    (void)munmap(wipe.stack, WIPE_STACK_SIZE);
    memset(&wipe, 0, sizeof(wipe));
    return 0;
}

static void check_core_memory(struct fixture *fixture)
{
    for (unsigned i = 0; i < wipe.secret_count; i++) {
        unsigned count = wipe_count(fixture->cluster->hsms[0].memory, fixture->cluster->memory_size,
                                    wipe.secrets[i].window);
        if (count != wipe.secrets[i].expected_count) {
            print_error("the core holds %s %u times\n", wipe.secrets[i].name, count);
        }
        assert_int_equal(count, wipe.secrets[i].expected_count);
    }
}

static struct rind_secrets_response ask(struct fixture *fixture,
                                        const struct rind_secrets_request *request)
{
    struct rind_secrets_response response =
        cluster_client_ask(fixture->cluster, 0, &fixture->group, &fixture->client, request);
    assert_int_equal(response.kind, request->kind);
    return response;
}

static void a_request_leaves_no_plaintext_and_no_copy_of_a_key(void **state)
{
    struct fixture *fixture = *state;
    struct rind_secrets_request recover1 = cluster_simple(RIND_SECRETS_REQUEST_RECOVER1);
    struct rind_secrets_request recover2 = cluster_recover2(&fixture->register2);
    struct rind_secrets_request recover3 = cluster_recover3(&fixture->register2);
    (void)ask(fixture, &fixture->register2);
    check_core_memory(fixture);
    (void)ask(fixture, &recover1);
    assert_int_equal(ask(fixture, &recover2).recover2.kind, RIND_RECOVER2_OK);
    assert_int_equal(ask(fixture, &recover3).recover3.kind, RIND_RECOVER3_OK);
    check_core_memory(fixture);
    recover3.recover3.unlock_key_tag[15] ^= 1;
    assert_int_equal(ask(fixture, &recover3).recover3.kind, RIND_RECOVER3_BAD_UNLOCK_KEY_TAG);
    (void)ask(fixture, &recover2);
    (void)ask(fixture, &recover2);
    assert_int_equal(ask(fixture, &recover2).recover2.kind, RIND_RECOVER2_NO_GUESSES);
    check_core_memory(fixture);
    assert_true(wipe.request_count > 16);
}

/* Of a session the core keeps two keys; a client that knows them tells us what to look for. */
static void a_session_is_held_in_one_place(void **state)
{
    struct fixture *fixture = *state;
    (void)ask(fixture, &fixture->register2);
    wipe_add("a send key", fixture->client.session.send_key.bytes, 32, 1);
    wipe_add("a receive key", fixture->client.session.receive_key.bytes, 32, 1);
    check_core_memory(fixture);
    struct rind_secrets_request recover2 = cluster_recover2(&fixture->register2);
    (void)ask(fixture, &recover2);
    check_core_memory(fixture);
    (void)cluster_step_down(fixture->cluster, 0, &fixture->group, true);
    wipe.secrets[wipe.secret_count - 1].expected_count = 0;
    wipe.secrets[wipe.secret_count - 2].expected_count = 0;
    check_core_memory(fixture);
}

/* Appends what two requests with proofs of the same root say: the second path is rebuilt. */
static void ask_twice_from_one_root(struct fixture *fixture)
{
    const struct rind_log_entry basis = *cluster_last(fixture->cluster, &fixture->group);
    struct rind_secrets_request recover2 = cluster_recover2(&fixture->register2);
    for (unsigned i = 0; i < 2; i++) {
        fixture->client.has_session = false;
        cluster_client_connect(fixture->cluster, 0, &fixture->group, &fixture->client);
        struct rind_hsm_request request = {
            .kind = RIND_HSM_REQUEST_APP_REQUEST,
            .app = {.realm = fixture->cluster->realm,
                    .group = fixture->group,
                    .record_id = fixture->client.record_id,
                    .session_id = fixture->client.session_id,
                    .encrypted =
                        cluster_client_seal(fixture->cluster, &fixture->client,
                                            cluster_encode_secrets(fixture->cluster, &recover2)),
                    .proof = cluster_proof(fixture->cluster, &basis.partition,
                                           &fixture->client.record_id),
                    .index = basis.index}};
        struct rind_hsm_app_response answer;
        cluster_send(fixture->cluster, 0, &request, &answer);
        assert_int_equal(answer.kind, RIND_HSM_APP_OK);
        assert_true(
            cluster_append(fixture->cluster, &fixture->group, &answer.ok.entry, &answer.ok.delta));
    }
    assert_int_equal(cluster_commit(fixture->cluster, 0, &fixture->group).kind, RIND_HSM_COMMIT_OK);
}

static void no_request_goes_deeper_than_what_is_wiped(void **state)
{
    struct fixture *fixture = *state;
    struct rind_owned_range upper = rind_owned_range_full();
    upper.start.bytes[0] = 0x80;
    struct rind_group_id other = cluster_new_group(fixture->cluster, (const unsigned[]){0}, 1);
    assert_int_equal(cluster_commit(fixture->cluster, 0, &other).kind, RIND_HSM_COMMIT_OK);
    (void)ask(fixture, &fixture->register2);
    ask_twice_from_one_root(fixture);
    cluster_transfer(fixture->cluster, 0, &fixture->group, 0, &other, &upper);
    cluster_transfer(fixture->cluster, 0, &other, 0, &fixture->group, &upper);
    assert_in_range(wipe.depth_max, 1024, RIND_WIPE_STACK_SIZE * 3 / 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_leaves_no_plaintext_and_no_copy_of_a_key),
        TEST(a_session_is_held_in_one_place),
        TEST(no_request_goes_deeper_than_what_is_wiped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
