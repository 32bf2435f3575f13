/*
 * test_load_balancer.c - the program rind-load-balancer: command line, start-up failures, SIGHUP,
 * graceful and less graceful ends (07 sections 1, 2.3, 12 and 13).
 */
#include "balancer/world.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "balancer/command.h"
#include "balancer/tls_files.h"
#include "host/host.h"
#include "support/test.h"

#define ARGUMENTS_MAX 32
#define OUTPUT_SIZE 65536

extern char **environ;

static struct world world;
static struct web_answer answer;

/* A rind-load-balancer that runs, or ran. */
struct child {
    pid_t pid;
    char out_path[128];
    char error_path[128];
    int port;
};

static int setup(void **state)
{
    (void)state;
    world_open_outside(&world);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_close(&world);
    return 0;
}

static void pause_briefly(struct rind_deadline deadline)
{
    assert_false(rind_deadline_has_expired(deadline));
    usleep(2000);
}

static const char *read_text(const char *path)
{
    static char text[OUTPUT_SIZE];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[length] = '\0';
    return text;
}

/* Starts the program with the world's files; `more` (NULL-terminated) follows and may override. */
static void child_start(struct child *child, const char *const *more)
{
    static char program[512];
    char *arguments[ARGUMENTS_MAX] = {program,
                                      "--listen",
                                      "127.0.0.1:0",
                                      "--tls-cert",
                                      world.certificate_path,
                                      "--tls-key",
                                      world.key_path,
                                      "--store",
                                      (char *)(uintptr_t)world_store_name(&world),
                                      "--secrets-file",
                                      world.secrets_path};
    size_t count = 11;
    for (; more != NULL && *more != NULL; more++) {
        assert_true(count < ARGUMENTS_MAX - 1);
        arguments[count++] = (char *)(uintptr_t)*more;
    }
    const char *folder = getenv("RIND_BIN_DIR");
    assert_non_null(folder);
    snprintf(program, sizeof(program), "%s/rind-load-balancer", folder);
    *child = (struct child){0};
    snprintf(child->out_path, sizeof(child->out_path), "%s/out", world.directory);
    snprintf(child->error_path, sizeof(child->error_path), "%s/error", world.directory);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    const int flags = O_WRONLY | O_CREAT | O_TRUNC;
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, child->out_path, flags, 0600);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, child->error_path, flags, 0600);
    assert_int_equal(posix_spawn(&child->pid, program, &actions, NULL, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
}

static bool child_has_ended(struct child *child, int *status)
{
    pid_t ended = waitpid(child->pid, status, WNOHANG);
    assert_true(ended >= 0);
    return ended == child->pid;
}

static void child_wait_until_ready(struct child *child)
{
    static const char mark[] = "ready: 127.0.0.1:";
    struct rind_deadline deadline = rind_deadline_in_ms(WORLD_WAIT_MS);
    const char *found = NULL;
    int status = 0;
    while ((found = strstr(read_text(child->out_path), mark)) == NULL) {
        if (child_has_ended(child, &status)) {
            fail_msg("it ended: %s", read_text(child->error_path));
        }
        pause_briefly(deadline);
    }
    child->port = atoi(found + sizeof(mark) - 1);
    world.port = child->port;
}

/* Waits for its end; the exit status, or 128 plus the signal that killed it. */
static int child_wait(struct child *child)
{
    struct rind_deadline deadline = rind_deadline_in_ms(WORLD_WAIT_MS);
    int status = 0;
    while (!child_has_ended(child, &status)) {
        if (rind_deadline_has_expired(deadline)) {
            kill(child->pid, SIGKILL);
            waitpid(child->pid, &status, 0);
            fail_msg("it did not end; output: %s", read_text(child->out_path));
        }
        usleep(2000);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void get_livez(void)
{
    struct web_request request = {.method = "GET", .path = "/livez"};
    web_send(NULL, world.port, world.certificate_path, &request, &answer);
}

/* --- the command line --- */

static void help_is_as_in_the_golden_file(void **state)
{
    (void)state;
    static struct rind_balancer_command command;
    char *help = NULL;
    size_t size = 0;
    char path[512];
    rind_balancer_command_init(&command);
    FILE *stream = open_memstream(&help, &size);
    rind_flags_help(&command.command, stream);
    fclose(stream);
    snprintf(path, sizeof(path), "%s/tests/balancer/rind-load-balancer.help.txt",
             getenv("RIND_SOURCE_DIR"));
    assert_string_equal(help, read_text(path));
    free(help);
}

static void flags_have_their_specified_defaults(void **state)
{
    (void)state;
    static struct rind_balancer_command command;
    char text[RIND_ADDRESS_TEXT_SIZE];
    struct rind_ctx ctx;
    enum rind_flags_outcome outcome;
    char *arguments[] = {"rind-load-balancer", "--tls-key", "k", "--tls-cert", "c", NULL};
    rind_ctx_init(&ctx, NULL);
    rind_balancer_command_init(&command);
    assert_true(rind_is_ok(rind_flags_parse(&ctx, &command.command, 5, arguments, &outcome)));
    rind_address_format(&command.listen, text);
    assert_string_equal(text, "127.0.0.1:8081");
    assert_null(command.name);
    assert_null(command.secrets_file);
    assert_int_equal(command.idle_timeout_ns, 60 * RIND_NS_PER_S);
    assert_int_equal(command.shutdown_timeout_ns, 60 * RIND_NS_PER_S);
    assert_int_equal(command.shutdown_notice_ns, 30 * RIND_NS_PER_S);
    assert_true(command.trace_rate > 0.099 && command.trace_rate < 0.101);
    assert_string_equal(command.store, "bigtable");
    assert_string_equal(command.bigtable.project, "prj");
    assert_string_equal(command.bigtable.instance, "instance");
    assert_false(command.bigtable.has_url);
    const struct rind_google_flags *google[] = {&command.bigtable.google,
                                                &command.secrets_manager.google};
    assert_false(command.secrets_manager.is_url_given);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(google[i]->timeout_ns, 20 * RIND_NS_PER_S);
        assert_int_equal(google[i]->connect_timeout_ns, 20 * RIND_NS_PER_S);
        assert_int_equal(google[i]->keepalive_interval_ns, 4 * RIND_NS_PER_S);
        assert_int_equal(google[i]->keepalive_timeout_ns, 3 * RIND_NS_PER_S);
        assert_true(google[i]->keepalive_while_idle);
    }
}

/* --- failures to start --- */

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

/* It must say `sentence` in one line on stderr, and exit with 1. */
static void assert_does_not_start(const char *const *more, const char *sentence)
{
    struct child child;
    child_start(&child, more);
    assert_int_equal(child_wait(&child), 1);
    const char *error = read_text(child.error_path);
    const char *line_end = strchr(error, '\n');
    assert_non_null(line_end);
    if (line_end[1] != '\0' || strstr(error, sentence) == NULL ||
        strncmp(error, "rind-load-balancer: ", 20) != 0) {
        fail_msg("expected one line with '%s', got: %s", sentence, error);
    }
}

static void bad_tls_files_are_named(void **state)
{
    (void)state;
    char other_key[128];
    char other_certificate[128];
    char nonsense[128];
    snprintf(other_key, sizeof(other_key), "%s/other-key.pem", world.directory);
    snprintf(other_certificate, sizeof(other_certificate), "%s/other-cert.pem", world.directory);
    snprintf(nonsense, sizeof(nonsense), "%s/nonsense.pem", world.directory);
    tls_files_write(other_certificate, other_key, 2);
    write_file(nonsense, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    assert_does_not_start((const char *[]){"--tls-key", "/nonexistent.pem", NULL},
                          "/nonexistent.pem");
    assert_does_not_start((const char *[]){"--tls-cert", "/nonexistent.pem", NULL},
                          "/nonexistent.pem");
    assert_does_not_start((const char *[]){"--tls-key", nonsense, NULL}, nonsense);
    assert_does_not_start((const char *[]){"--tls-cert", nonsense, NULL}, nonsense);
    assert_does_not_start((const char *[]){"--tls-key", other_key, NULL}, other_key);
}

static void bad_secrets_are_named(void **state)
{
    (void)state;
    assert_does_not_start((const char *[]){"--secrets-file", "/nonexistent.json", NULL},
                          "failed to read secrets from \"/nonexistent.json\"");
    world_put_secrets(&world, "{ broken");
    assert_does_not_start(NULL, "failed to read secrets from \"");
    world_put_secrets(&world, "{}");
    assert_does_not_start(NULL, "missing secret: record-id-randomization");
    world_put_secrets(&world, "{\"record-id-randomization\":{\"1\":{\"data\":\"short\","
                              "\"encoding\":\"UTF8\",\"algorithm\":\"Blake2sMac256\"}}}");
    assert_does_not_start(NULL, "exactly 32 bytes");
    world_put_secrets(&world, "{\"record-id-randomization\":{\"1\":{\"data\":\"" WORLD_RECORD_KEY
                              "\",\"encoding\":\"UTF8\",\"algorithm\":\"HmacSha256\"}}}");
    assert_does_not_start(NULL, "Blake2sMac256");
}

static void the_newest_record_key_is_the_one_that_counts(void **state)
{
    (void)state;
    /* Version 10 is good, 9 is not: as text 9 would be the greater. */
    world_put_secrets(&world, "{\"record-id-randomization\":{"
                              "\"9\":{\"data\":\"short\",\"encoding\":\"UTF8\","
                              "\"algorithm\":\"Blake2sMac256\"},"
                              "\"10\":{\"data\":\"" WORLD_RECORD_KEY "\",\"encoding\":\"UTF8\","
                              "\"algorithm\":\"Blake2sMac256\"}}}");
    struct child child;
    child_start(&child, (const char *[]){"--shutdown-notice-period", "1ms", NULL});
    child_wait_until_ready(&child);
    kill(child.pid, SIGTERM);
    assert_int_equal(child_wait(&child), 0);
}

static void a_port_in_use_is_named(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    char text[64];
    int taken = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(taken >= 0);
    assert_int_equal(bind(taken, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(taken, 1), 0);
    assert_int_equal(getsockname(taken, (struct sockaddr *)&address, &length), 0);
    snprintf(text, sizeof(text), "127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
    assert_does_not_start((const char *[]){"--listen", text, NULL}, text);
    close(taken);
}

static void a_store_that_cannot_be_is_named(void **state)
{
    (void)state;
    assert_does_not_start((const char *[]){"--store", "lmdb:/proc/nothing", NULL}, "/proc/nothing");
}

/* --- SIGHUP --- */

/* True if a fresh connection presents the certificate of the file. */
static bool presents(const char *certificate_path)
{
    struct web_request request = {.method = "GET", .path = "/livez"};
    web_send(NULL, world.port, certificate_path, &request, &answer);
    return answer.error == CURLE_OK;
}

struct visitor {
    struct rind_thread thread;
    char certificate_path[128]; /* a copy of the first one: connections outlive it */
    const atomic_bool *is_over;
    atomic_uint ok_count;
    atomic_uint other_count;
};

/* Uses one connection all the time. */
static void visitor_run(void *self)
{
    struct visitor *visitor = self;
    struct web_answer *own = malloc(sizeof(*own));
    CURL *curl = curl_easy_init();
    struct web_request request = {.method = "GET", .path = "/livez", .is_http2 = true};
    while (!atomic_load(visitor->is_over)) {
        web_send(curl, world.port, visitor->certificate_path, &request, own);
        bool is_ok = own->error == CURLE_OK && own->status == 200;
        atomic_fetch_add(is_ok ? &visitor->ok_count : &visitor->other_count, 1);
    }
    curl_easy_cleanup(curl);
    free(own);
}

static void sighup_changes_new_handshakes_and_no_old_connection(void **state)
{
    (void)state;
    struct child child;
    struct visitor visitor = {0};
    atomic_bool is_over = false;
    child_start(&child, (const char *[]){"--shutdown-notice-period", "1ms", NULL});
    child_wait_until_ready(&child);
    assert_true(presents(world.certificate_path));
    assert_true(presents(world.certificate_path));

    snprintf(visitor.certificate_path, sizeof(visitor.certificate_path), "%s/first.pem",
             world.directory);
    write_file(visitor.certificate_path, read_text(world.certificate_path));
    visitor.is_over = &is_over;
    assert_true(rind_is_ok(
        rind_thread_start(&world.ctx, &visitor.thread, "visitor", visitor_run, &visitor)));
    struct rind_deadline deadline = rind_deadline_in_ms(WORLD_WAIT_MS);
    while (atomic_load(&visitor.ok_count) == 0) {
        pause_briefly(deadline);
    }

    /* A broken pair changes nothing. */
    char good_key[OUTPUT_SIZE];
    snprintf(good_key, sizeof(good_key), "%s", read_text(world.key_path));
    write_file(world.key_path, "nonsense");
    kill(child.pid, SIGHUP);
    while (strstr(read_text(child.out_path), "certificate stay in use") == NULL) {
        pause_briefly(deadline);
    }
    assert_true(presents(visitor.certificate_path));

    /* A new one is presented to whoever comes now. */
    for (long serial = 2; serial < 6; serial++) {
        tls_files_write(world.certificate_path, world.key_path, serial);
        assert_false(presents(world.certificate_path));
        kill(child.pid, SIGHUP);
        while (!presents(world.certificate_path)) {
            pause_briefly(deadline);
        }
    }
    assert_false(presents(visitor.certificate_path));

    unsigned seen = atomic_load(&visitor.ok_count);
    while (atomic_load(&visitor.ok_count) < seen + 10) {
        pause_briefly(deadline);
    }
    atomic_store(&is_over, true);
    rind_thread_join(&visitor.thread);
    assert_int_equal(visitor.other_count, 0);
    kill(child.pid, SIGTERM);
    assert_int_equal(child_wait(&child), 0);
}

/* --- the end --- */

struct poster {
    struct rind_thread thread;
    struct rind_slice body;
    struct web_answer answer;
};

static void poster_run(void *self)
{
    struct poster *poster = self;
    world_post(&world, poster->body, &poster->answer);
}

/* Starts a request that hangs in the agent. */
static void poster_start(struct poster *poster, struct fake_agent *agent)
{
    struct rind_deadline deadline = rind_deadline_in_ms(WORLD_WAIT_MS);
    world_wait_for_status(&world, 200);
    fake_agent_set_app(agent, FAKE_AGENT_HANGS, RIND_AGENT_APP_OK);
    unsigned before = fake_agent_app_count(agent);
    poster->body = world_request_body(&world, WORLD_REALM, world_token(&world, "mario"), true);
    assert_true(
        rind_is_ok(rind_thread_start(&world.ctx, &poster->thread, "poster", poster_run, poster)));
    while (fake_agent_app_count(agent) == before) {
        pause_briefly(deadline);
    }
}

static void sigterm_drains_and_loses_nothing(void **state)
{
    (void)state;
    static struct poster poster;
    struct child child;
    struct rind_deadline deadline = rind_deadline_in_ms(WORLD_WAIT_MS);
    struct fake_agent *agent = world_add_agent(&world, 0, 1);
    child_start(&child, (const char *[]){"--shutdown-notice-period", "1s", NULL});
    child_wait_until_ready(&child);
    get_livez();
    assert_memory_equal(answer.body, "Juicebox load balancer: ", 24);
    CURL *idle = curl_easy_init(); /* an idle connection must not hold the drain up */
    struct web_request request = {.method = "GET", .path = "/livez"};
    web_send(idle, world.port, world.certificate_path, &request, &answer);
    poster_start(&poster, agent);

    kill(child.pid, SIGTERM);
    do {
        get_livez(); /* a new connection each time: all are served during the notice */
        assert_int_equal(answer.status, 200);
    } while (!web_body_is(&answer, "Shutting down") && !rind_deadline_has_expired(deadline));
    assert_true(web_body_is(&answer, "Shutting down"));
    while (answer.error != CURLE_COULDNT_CONNECT) { /* the drain has begun */
        pause_briefly(deadline);
        get_livez();
    }
    int status = 0;
    assert_false(child_has_ended(&child, &status)); /* a request is in flight */
    fake_agent_release(agent);
    rind_thread_join(&poster.thread);
    assert_int_equal(poster.answer.error, CURLE_OK);
    assert_int_equal(poster.answer.status, 200);
    assert_int_equal(child_wait(&child), 0);
    curl_easy_cleanup(idle);
}

static void the_shutdown_timeout_ends_what_hangs(void **state)
{
    (void)state;
    static struct poster poster;
    struct child child;
    struct fake_agent *agent = world_add_agent(&world, 0, 1);
    child_start(&child, (const char *[]){"--shutdown-notice-period", "1ms", "--shutdown-timeout",
                                         "200ms", NULL});
    child_wait_until_ready(&child);
    poster_start(&poster, agent);
    kill(child.pid, SIGINT);
    assert_int_equal(child_wait(&child), 0);
    rind_thread_join(&poster.thread);
    assert_int_not_equal(poster.answer.error, CURLE_OK);
}

static void a_second_signal_ends_it_at_once(void **state)
{
    (void)state;
    struct child child;
    struct rind_deadline deadline = rind_deadline_in_ms(WORLD_WAIT_MS);
    child_start(&child, NULL);
    child_wait_until_ready(&child);
    kill(child.pid, SIGQUIT);
    do {
        pause_briefly(deadline);
        get_livez();
    } while (!web_body_is(&answer, "Shutting down"));
    /* One that comes right after the first is the same wish: whoever insists asks again. */
    int status = 0;
    while (!child_has_ended(&child, &status)) {
        kill(child.pid, SIGTERM);
        pause_briefly(deadline);
    }
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 128 + SIGTERM);
}

static void nothing_secret_is_logged(void **state)
{
    (void)state;
    struct child child;
    struct fake_agent *agent = world_add_agent(&world, 0, 1);
    setenv("LOGLEVEL", "TRACE", 1);
    child_start(&child, (const char *[]){"--shutdown-notice-period", "1ms", NULL});
    unsetenv("LOGLEVEL");
    child_wait_until_ready(&child);
    world_wait_for_status(&world, 200);
    fake_agent_set_app(agent, FAKE_AGENT_ANSWERS, RIND_AGENT_APP_NOT_LEADER);
    assert_int_equal(world_try(&world), 503);
    kill(child.pid, SIGTERM);
    assert_int_equal(child_wait(&child), 0);
    static const char *const secrets[] = {WORLD_KEY, WORLD_RECORD_KEY,
                                          "mario",   WORLD_PAYLOAD,
                                          "eyJ",     "aeac5277bf66d69824d731f561acf311"};
    const char *log = read_text(child.out_path);
    assert_non_null(strstr(log, "AppRequest not ok"));
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        if (strstr(log, secrets[i]) != NULL) {
            fail_msg("the log holds %s:\n%s", secrets[i], log);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        cmocka_unit_test(help_is_as_in_the_golden_file),
        cmocka_unit_test(flags_have_their_specified_defaults),
        CASE(bad_tls_files_are_named),
        CASE(bad_secrets_are_named),
        CASE(the_newest_record_key_is_the_one_that_counts),
        CASE(a_port_in_use_is_named),
        CASE(a_store_that_cannot_be_is_named),
        CASE(sighup_changes_new_handshakes_and_no_old_connection),
        CASE(sigterm_drains_and_loses_nothing),
        CASE(the_shutdown_timeout_ends_what_hangs),
        CASE(a_second_signal_ends_it_at_once),
        CASE(nothing_secret_is_logged),
#undef CASE
    };
    /* An end by time-out or second signal leaves threads behind on purpose. */
    setenv("TSAN_OPTIONS", "report_thread_leaks=0", 0);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
