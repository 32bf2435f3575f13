/*
 * story.c - a run as text: one line per step. Cores are A to G, groups g0, g1, ..., users u0, ...;
 * an entry is index:first digits of its MAC, so that two histories can be told apart.
 */
#include <stdarg.h>

#include "sim.h"

const struct rind_schema *sim_answer_schema(enum rind_hsm_request_kind kind)
{
    static const struct rind_schema *const schemas[] = {
        [RIND_HSM_REQUEST_STATUS] = &rind_hsm_status_response_schema,
        [RIND_HSM_REQUEST_NEW_REALM] = &rind_hsm_new_realm_response_schema,
        [RIND_HSM_REQUEST_JOIN_REALM] = &rind_hsm_join_realm_response_schema,
        [RIND_HSM_REQUEST_NEW_GROUP] = &rind_hsm_new_group_response_schema,
        [RIND_HSM_REQUEST_JOIN_GROUP] = &rind_hsm_join_group_response_schema,
        [RIND_HSM_REQUEST_BECOME_LEADER] = &rind_hsm_become_leader_response_schema,
        [RIND_HSM_REQUEST_STEP_DOWN] = &rind_hsm_step_down_response_schema,
        [RIND_HSM_REQUEST_CAPTURE_JUMP] = &rind_hsm_capture_jump_response_schema,
        [RIND_HSM_REQUEST_CAPTURE_NEXT] = &rind_hsm_capture_next_response_schema,
        [RIND_HSM_REQUEST_PERSIST_STATE] = &rind_hsm_persist_state_response_schema,
        [RIND_HSM_REQUEST_COMMIT] = &rind_hsm_commit_response_schema,
        [RIND_HSM_REQUEST_PREPARE_TRANSFER] = &rind_hsm_prepare_transfer_response_schema,
        [RIND_HSM_REQUEST_CANCEL_PREPARED_TRANSFER] =
            &rind_hsm_cancel_prepared_transfer_response_schema,
        [RIND_HSM_REQUEST_TRANSFER_OUT] = &rind_hsm_transfer_out_response_schema,
        [RIND_HSM_REQUEST_TRANSFER_STATEMENT] = &rind_hsm_transfer_statement_response_schema,
        [RIND_HSM_REQUEST_TRANSFER_IN] = &rind_hsm_transfer_in_response_schema,
        [RIND_HSM_REQUEST_COMPLETE_TRANSFER] = &rind_hsm_complete_transfer_response_schema,
        [RIND_HSM_REQUEST_HANDSHAKE_REQUEST] = &rind_hsm_handshake_response_schema,
        [RIND_HSM_REQUEST_APP_REQUEST] = &rind_hsm_app_response_schema,
    };
    return schemas[kind];
}

const char *sim_kind_name(enum rind_hsm_request_kind request, unsigned kind)
{
    const struct rind_schema *schema = sim_answer_schema(request);
    if (schema->kind != RIND_KIND_ENUM || kind == 0 || kind > schema->field_count) {
        return "";
    }
    return schema->fields[kind - 1].name;
}

void sim_story(struct sim *sim, const char *format, ...)
{
    if (!sim->options.is_story) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    (void)printf("%6u     ", sim->operation);
    (void)vprintf(format, arguments);
    (void)printf("\n");
    va_end(arguments);
}

static void story_group(const struct sim *sim, const struct rind_group_id *id)
{
    uint32_t g = sim_group_find(sim, id);
    if (g == SIM_NONE) {
        (void)printf(" g?");
    } else {
        (void)printf(" g%u", g);
    }
}

static void story_hsm_id(const struct sim *sim, const struct rind_hsm_id *id)
{
    uint32_t h = sim_hsm_find(sim, id);
    (void)printf("%c", h == SIM_NONE ? '?' : 'A' + (char)h);
}

static void story_entry(const struct sim *sim, const struct rind_log_entry *entry)
{
    (void)printf(" %llu:%02x%02x by ", (unsigned long long)entry->index, entry->entry_mac.bytes[0],
                 entry->entry_mac.bytes[1]);
    /* The entry itself may name a preparation in its maker's place. */
    uint32_t e = sim_entry_find(sim, &entry->entry_mac);
    if (e == SIM_NONE) {
        story_hsm_id(sim, &entry->hsm);
    } else {
        (void)printf("%c", 'A' + (char)sim->entries[e].hsm);
    }
}

static void story_captures(const struct sim *sim, const struct rind_captured_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct rind_captured *captured = &list->items[i];
        (void)printf(" ");
        story_hsm_id(sim, &captured->hsm);
        (void)printf(" has");
        story_group(sim, &captured->group);
        (void)printf(" %llu:%02x%02x%s", (unsigned long long)captured->index,
                     captured->mac.bytes[0], captured->mac.bytes[1],
                     i + 1 < list->count ? "," : "");
    }
}

static void story_range(const struct rind_owned_range *range)
{
    char text[RIND_OWNED_RANGE_TEXT_SIZE];
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, text, sizeof(text));
    rind_owned_range_print(&buffer, range);
    (void)printf(" %.*s", (int)buffer.length, text);
}

static void story_app(const struct sim *sim, const struct rind_hsm_app_request *request)
{
    static const char *const names[] = {"?",        "Register1", "Register2", "Recover1",
                                        "Recover2", "Recover3",  "Delete"};
    bool is_handshake = request->encrypted.kind == RIND_NOISE_REQUEST_HANDSHAKE;
    struct rind_slice ciphertext = is_handshake
                                       ? request->encrypted.handshake.handshake.payload_ciphertext
                                       : request->encrypted.transport.ciphertext;
    uint32_t m = ciphertext.length < 8
                     ? SIM_NONE
                     : sim_index_find(&sim->messages_by_ciphertext, sim_key_of(ciphertext.data));
    uint32_t u = sim_user_find(sim, &request->record_id);
    story_group(sim, &request->group);
    if (u == SIM_NONE) {
        (void)printf(" u?");
    } else {
        (void)printf(" u%u", u);
    }
    (void)printf(" %s%s, proof at index %llu",
                 m == SIM_NONE ? "?" : names[sim->messages[m].request.kind],
                 is_handshake ? " in a handshake" : "", (unsigned long long)request->index);
}

static void story_transfer(const struct sim *sim, const struct rind_group_id *source,
                           const struct rind_group_id *destination,
                           const struct rind_owned_range *range)
{
    story_group(sim, source);
    (void)printf(" to");
    story_group(sim, destination);
    if (range != NULL) {
        story_range(range);
    }
}

static void story_transfer_request(const struct sim *sim, const struct rind_hsm_request *request)
{
    switch (request->kind) {
    case RIND_HSM_REQUEST_PREPARE_TRANSFER:
        story_transfer(sim, &request->prepare_transfer.source,
                       &request->prepare_transfer.destination, &request->prepare_transfer.range);
        return;
    case RIND_HSM_REQUEST_CANCEL_PREPARED_TRANSFER:
        story_transfer(sim, &request->cancel_prepared_transfer.source,
                       &request->cancel_prepared_transfer.destination,
                       &request->cancel_prepared_transfer.range);
        return;
    case RIND_HSM_REQUEST_TRANSFER_OUT:
        story_transfer(sim, &request->transfer_out.source, &request->transfer_out.destination,
                       &request->transfer_out.range);
        return;
    case RIND_HSM_REQUEST_TRANSFER_STATEMENT:
        story_transfer(sim, &request->transfer_statement.source,
                       &request->transfer_statement.destination, NULL);
        return;
    case RIND_HSM_REQUEST_TRANSFER_IN:
        story_transfer(sim, &request->transfer_in.source, &request->transfer_in.destination,
                       &request->transfer_in.transferring.range);
        return;
    case RIND_HSM_REQUEST_COMPLETE_TRANSFER:
        story_transfer(sim, &request->complete_transfer.source,
                       &request->complete_transfer.destination, &request->complete_transfer.range);
        return;
    default:
        return;
    }
}

static void story_request(const struct sim *sim, const struct rind_hsm_request *request)
{
    switch (request->kind) {
    case RIND_HSM_REQUEST_BECOME_LEADER:
        story_group(sim, &request->become_leader.group);
        story_entry(sim, &request->become_leader.last_entry);
        return;
    case RIND_HSM_REQUEST_STEP_DOWN:
        story_group(sim, &request->step_down.group);
        (void)printf("%s", request->step_down.force ? " by force" : "");
        return;
    case RIND_HSM_REQUEST_CAPTURE_JUMP: {
        const struct rind_captured_list list = {
            .items = (struct rind_captured *)(uintptr_t)&request->capture_jump.jump, .count = 1};
        story_captures(sim, &list);
        return;
    }
    case RIND_HSM_REQUEST_CAPTURE_NEXT:
        story_group(sim, &request->capture_next.group);
        for (size_t i = 0; i < request->capture_next.entries.count; i++) {
            story_entry(sim, &request->capture_next.entries.items[i]);
        }
        return;
    case RIND_HSM_REQUEST_COMMIT:
        story_group(sim, &request->commit.group);
        story_captures(sim, &request->commit.captures);
        return;
    case RIND_HSM_REQUEST_JOIN_GROUP:
        story_group(sim, &request->join_group.group);
        return;
    case RIND_HSM_REQUEST_HANDSHAKE_REQUEST:
        story_group(sim, &request->handshake.group);
        (void)printf(" u%u", sim_user_find(sim, &request->handshake.record_id));
        return;
    case RIND_HSM_REQUEST_APP_REQUEST:
        story_app(sim, &request->app);
        return;
    default:
        story_transfer_request(sim, request);
    }
}

static void story_answer(const struct sim *sim, const struct rind_hsm_request *request,
                         const void *value)
{
    const struct rind_hsm_app_response *app = value;
    const struct rind_hsm_commit_response *commit = value;
    const struct rind_hsm_persist_state_response *persist = value;
    switch (request->kind) {
    case RIND_HSM_REQUEST_APP_REQUEST:
        story_entry(sim, &app->ok.entry);
        return;
    case RIND_HSM_REQUEST_PERSIST_STATE:
        story_captures(sim, &persist->ok.captured);
        return;
    case RIND_HSM_REQUEST_COMMIT:
        (void)printf(" up to %llu, %zu answers, %zu abandoned",
                     (unsigned long long)commit->ok.committed, commit->ok.responses.count,
                     commit->ok.abandoned.count);
        return;
    default:
        return;
    }
}

void sim_story_call(struct sim *sim, uint32_t h, const struct rind_hsm_request *request,
                    rind_status status, unsigned kind, const void *value)
{
    (void)printf("%6u  %c  %s", sim->operation, 'A' + (char)h,
                 request == NULL ? "bytes that are no request"
                                 : rind_hsm_request_name(request->kind));
    if (request != NULL) {
        story_request(sim, request);
    }
    if (!rind_is_ok(status)) {
        (void)printf("  ->  error: %s\n", rind_code_name((enum rind_code)status.code));
        return;
    }
    (void)printf("  ->  %s", request == NULL ? "" : sim_kind_name(request->kind, kind));
    if (request != NULL && kind == 1) {
        story_answer(sim, request, value);
    }
    (void)printf("\n");
}
