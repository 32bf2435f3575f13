/*
 * fuzz_hsm.c - a hostile host against cores that keep their state.
 *
 * Target: rind_hsm_handle. The input is a program (hsm_program.h): each step either does what an
 * honest host would (so that there is a log, a leader, sessions and a transfer to attack) or sends
 * a request that was valid until some of its items were changed, or raw bytes. Whatever comes, a
 * core must answer or refuse, and the roles and indexes it reports must obey spec 02 section 16.
 *
 * The realm is set up once; each run begins from a snapshot of it. Curves are the simulator's cheap
 * ones: no host attacks those, and they would take most of the time.
 */
#include <stdlib.h>

#include "fuzz/hsm_program.h"
#include "hsm/cluster.h"

#define FUZZ_CORES 2u
#define FUZZ_STEPS_MAX 48u
#define FUZZ_RUNS_MAX 20000u /* then everything is made anew: the store only grows */

struct world {
    struct cluster *cluster;
    struct rind_group_id groups[2]; /* the second owns nothing at first */
    struct cluster_client client;
    struct cluster_snapshot *snapshot;
    unsigned runs;
    const struct hsm_program_step *step; /* being played */
    unsigned arguments_taken;
    struct rind_slice rest;           /* the program after it */
    uint64_t captured[FUZZ_CORES][2]; /* what Status said last */
    uint64_t clock[FUZZ_CORES][2];
};

static uint8_t take(struct world *world)
{
    return world->step->arguments[world->arguments_taken++ % HSM_PROGRAM_ARGUMENTS];
}

/* Refusals of any kind are fine, ends are not. */
static void send_bytes(struct world *world, unsigned h, struct rind_slice bytes)
{
    struct rind_slice response;
    rind_status status = cluster_send_bytes(world->cluster, h, bytes, &response);
    RIND_ASSERT(rind_is_ok(status) || rind_is(status, RIND_E_DECODE) ||
                rind_is(status, RIND_E_LIMIT));
}

/* Sends the request with some items changed. */
static void send_changed(struct world *world, unsigned h, const struct rind_hsm_request *request)
{
    struct rind_slice bytes = cluster_encode(world->cluster, request);
    for (unsigned i = 0; i < HSM_PROGRAM_EDITS; i++) {
        hsm_program_apply(&world->step->edits[i], (uint8_t *)(uintptr_t)bytes.data, bytes.length);
    }
    send_bytes(world, h, bytes);
}

/* What follows in the program, as it is. */
static void step_raw(struct world *world, unsigned h)
{
    size_t length = take(world);
    length = length < world->rest.length ? length : world->rest.length;
    send_bytes(world, h, rind_slice_make(world->rest.data, length));
}

static struct rind_hsm_request transfer_request(struct world *world)
{
    struct rind_owned_range range = rind_owned_range_full();
    range.start.bytes[0] = take(world) % 2 == 0 ? 0 : 0x80;
    struct rind_hsm_request request = {
        .kind = RIND_HSM_REQUEST_PREPARE_TRANSFER + take(world) % 6,
    };
    struct rind_group_id source = world->groups[take(world) % 2];
    struct rind_group_id destination = world->groups[take(world) % 2];
    const struct rind_log_entry *last = cluster_last(world->cluster, &source);
    switch (request.kind) {
    case RIND_HSM_REQUEST_TRANSFER_OUT:
        request.transfer_out = (struct rind_hsm_transfer_out_request){
            .realm = world->cluster->realm,
            .source = source,
            .destination = destination,
            .range = range,
            .has_proof = last->has_partition,
        };
        if (last->has_partition) {
            request.transfer_out.proof =
                cluster_proof(world->cluster, &last->partition, &range.start);
        }
        break;
    case RIND_HSM_REQUEST_TRANSFER_STATEMENT:
        request.transfer_statement = (struct rind_hsm_transfer_statement_request){
            .realm = world->cluster->realm, .source = source, .destination = destination};
        break;
    case RIND_HSM_REQUEST_TRANSFER_IN:
        request.transfer_in = (struct rind_hsm_transfer_in_request){
            .realm = world->cluster->realm,
            .source = source,
            .destination = destination,
            .transferring = {.range = range},
        };
        break;
    default: /* the other three have the same fields */
        request.prepare_transfer =
            (struct rind_hsm_prepare_transfer_request){.realm = world->cluster->realm,
                                                       .source = source,
                                                       .destination = destination,
                                                       .range = range};
        break;
    }
    return request;
}

static struct rind_hsm_request app_request(struct world *world, const struct rind_group_id *group)
{
    struct rind_secrets_request secrets = cluster_register2(1, take(world));
    if (take(world) % 2 == 0) {
        secrets = cluster_simple(RIND_SECRETS_REQUEST_RECOVER1);
    }
    const struct rind_log_entry *last = cluster_last(world->cluster, group);
    struct rind_hsm_request request = {
        .kind = RIND_HSM_REQUEST_APP_REQUEST,
        .app = {.realm = world->cluster->realm,
                .group = *group,
                .record_id = world->client.record_id,
                .session_id = world->client.session_id,
                .encrypted = cluster_client_seal(world->cluster, &world->client,
                                                 cluster_encode_secrets(world->cluster, &secrets)),
                .index = last->index}};
    if (last->has_partition) {
        request.app.proof =
            cluster_proof(world->cluster, &last->partition, &world->client.record_id);
    }
    return request;
}

static void step_app(struct world *world, unsigned h, const struct rind_group_id *group)
{
    struct rind_hsm_request request = app_request(world, group);
    struct rind_hsm_app_response answer;
    if (take(world) % 2 == 0) {
        send_changed(world, h, &request);
        return;
    }
    cluster_send(world->cluster, h, &request, &answer);
    if (answer.kind == RIND_HSM_APP_OK) {
        /* An entry that the log does not take is abandoned, as in life. */
        (void)cluster_append(world->cluster, group, &answer.ok.entry, &answer.ok.delta);
    }
}

/* CaptureNext with log entries as they are or changed; the library's own count is corrected. */
static void step_capture(struct world *world, unsigned h, const struct rind_group_id *group)
{
    struct cluster_log *log = cluster_log_of(world->cluster, group);
    size_t first = take(world) % log->count;
    size_t count = 1 + take(world) % (log->count - first);
    struct rind_hsm_request request = {
        .kind = RIND_HSM_REQUEST_CAPTURE_NEXT,
        .capture_next = {.realm = world->cluster->realm,
                         .group = *group,
                         .entries = {.items = &log->entries[first], .count = count}}};
    send_changed(world, h, &request);
}

static void step_commit(struct world *world, unsigned h, const struct rind_group_id *group)
{
    struct rind_captured captures[FUZZ_CORES * 2];
    struct rind_captured_list list = {.items = captures};
    for (unsigned i = 0; i < FUZZ_CORES; i++) {
        struct rind_captured_list persisted = cluster_persist(world->cluster, i);
        for (size_t c = 0; c < persisted.count && list.count < FUZZ_CORES * 2; c++) {
            captures[list.count++] = persisted.items[c];
        }
    }
    struct rind_hsm_request request = {
        .kind = RIND_HSM_REQUEST_COMMIT,
        .commit = {.realm = world->cluster->realm, .group = *group, .captures = list}};
    send_changed(world, h, &request);
    if (list.count > 0) {
        struct rind_hsm_request jump = {.kind = RIND_HSM_REQUEST_CAPTURE_JUMP,
                                        .capture_jump = {.jump = captures[0]}};
        send_changed(world, h, &jump);
    }
}

static void step_lead(struct world *world, unsigned h, const struct rind_group_id *group)
{
    struct rind_hsm_request request = {
        .kind = RIND_HSM_REQUEST_BECOME_LEADER,
        .become_leader = {.realm = world->cluster->realm,
                          .group = *group,
                          .last_entry = *cluster_last(world->cluster, group)}};
    send_changed(world, h, &request);
}

static void check_group(struct world *world, unsigned h, unsigned g,
                        const struct rind_group_status *status)
{
    uint64_t captured = status->has_captured ? status->captured.index : 0;
    RIND_ASSERT(captured >= world->captured[h][g]);
    RIND_ASSERT(status->role.at >= world->clock[h][g]);
    RIND_ASSERT(status->has_leader == (status->role.role.kind == RIND_ROLE_LEADER));
    RIND_ASSERT(!status->has_leader || !status->leader.has_committed ||
                status->leader.committed <= status->leader.last);
    world->captured[h][g] = captured;
    world->clock[h][g] = status->role.at;
}

/* Role clocks rise within one boot, persisted captures never fall, a leader reports its log. */
static void check(struct world *world, unsigned h)
{
    struct rind_hsm_status_response status = cluster_status(world->cluster, h);
    RIND_ASSERT(status.has_realm);
    for (size_t i = 0; i < status.realm.groups.count; i++) {
        const struct rind_group_status *group = &status.realm.groups.items[i];
        for (unsigned g = 0; g < 2; g++) {
            if (rind_group_id_equal(&group->id, &world->groups[g])) {
                check_group(world, h, g, group);
            }
        }
    }
}

static void step(struct world *world)
{
    uint8_t choice = world->step->who;
    unsigned h = choice % FUZZ_CORES;
    const struct rind_group_id *group = &world->groups[choice / FUZZ_CORES % 2];
    struct rind_hsm_request request;
    switch (world->step->operation % 9) {
    case 0:
        step_raw(world, h);
        break;
    case 1:
        step_app(world, h, group);
        break;
    case 2:
        step_capture(world, h, group);
        break;
    case 3:
        step_commit(world, h, group);
        break;
    case 4:
        step_lead(world, h, group);
        break;
    case 5:
        (void)cluster_step_down(world->cluster, h, group, take(world) % 2 == 0);
        break;
    case 6:
        request = transfer_request(world);
        send_changed(world, h, &request);
        break;
    case 7:
        cluster_reboot(world->cluster, h);
        memset(world->clock[h], 0, sizeof(world->clock[h]));
        break;
    default:
        world->client.has_session = false;
        world->client.session_id = take(world);
        break;
    }
    check(world, h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct world *world_new(void)
{
    struct world *world = calloc(1, sizeof(*world));
    RIND_ASSERT(world != NULL);
    struct rind_hsm_config config = {
        .overlay_size = 16, .sessions_max = 4, .log_entries_max = 256, .has_metrics = true};
    world->cluster = cluster_new_with(FUZZ_CORES, 1, &config);
    world->groups[0] = cluster_new_realm_and_group(world->cluster);
    world->groups[1] = cluster_new_group(world->cluster, (const unsigned[]){0, 1}, 2);
    for (unsigned h = 0; h < FUZZ_CORES; h++) {
        check(world, h);
    }
    cluster_reset(world->cluster);
    world->snapshot = cluster_snapshot_take(world->cluster);
    return world;
}

static void world_free(struct world *world)
{
    cluster_snapshot_free(world->snapshot);
    cluster_free(world->cluster);
    free(world);
}

/* Plays one program in a copy of the world's figures; the cores are set back beforehand. */
static void world_play(const struct world *prepared, struct rind_slice program)
{
    struct world world = *prepared;
    cluster_snapshot_restore(world.cluster, world.snapshot);
    struct rind_record_id record = cluster_record(0x61);
    cluster_client_init(&world.client, 2, &record);
    for (unsigned i = 0; i < FUZZ_STEPS_MAX; i++) {
        struct hsm_program_step played = {0};
        if (program.length < sizeof(played)) {
            return;
        }
        memcpy(&played, program.data, sizeof(played));
        program = rind_slice_make(program.data + sizeof(played), program.length - sizeof(played));
        world.step = &played;
        world.arguments_taken = 0;
        world.rest = program;
        step(&world);
        cluster_reset(world.cluster);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world
        *world; /* kept between runs: setting it up takes longer than most of them */
    if (world != NULL && world->runs == FUZZ_RUNS_MAX) {
        world_free(world);
        world = NULL;
    }
    if (world == NULL) {
        world = world_new();
    }
    world->runs++;
    world_play(world, rind_slice_make(data, size));
    return 0;
}
