/* test_reports.c - what leaves the process: log lines, metrics, the panic report. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "host/host.h"
#include "support/test.h"
#include "support/vectors.h"

struct captured {
    int fds[2];
    struct rind_log_sink *sink;
    struct rind_log log;
    char text[65536];
};

static void captured_open(struct captured *captured, enum rind_log_format format,
                          enum rind_log_level level)
{
    assert_int_equal(pipe2(captured->fds, O_CLOEXEC), 0);
    assert_true(rind_is_ok(rind_log_open(NULL, captured->fds[1], format, level, &captured->sink)));
    captured->log = rind_log_make(captured->sink);
}

/* Closes the sink and reads all that it wrote. */
static const char *captured_close(struct captured *captured)
{
    rind_log_close(captured->sink);
    (void)close(captured->fds[1]);
    size_t length = 0;
    ssize_t got;
    while ((got = read(captured->fds[0], captured->text + length,
                       sizeof(captured->text) - 1 - length)) > 0) {
        length += (size_t)got;
    }
    captured->text[length] = '\0';
    (void)close(captured->fds[0]);
    return captured->text;
}

static void a_json_line_has_the_specified_members(void **state)
{
    (void)state;
    struct captured captured;
    captured_open(&captured, RIND_LOG_FORMAT_AUTO, RIND_LOG_LEVEL_INFO);
    struct rind_log log = rind_log_with_text(&captured.log, "realm", "ab\"cd");
    log = rind_log_with_u64(&log, "attempt", 42);
    log = rind_log_with_hex(&log, "group", rind_slice_make("\x01\xff", 2));
    RIND_LOG_INFO(&log, "hello %s", "w\"\\\n\x01\xff\xc3\xa9");
    const char *text = captured_close(&captured);
    json_t *line = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, NULL);
    assert_non_null(line);
    assert_string_equal(json_string_value(json_object_get(line, "level")), "INFO");
    const char *timestamp = json_string_value(json_object_get(line, "timestamp"));
    assert_int_equal(strlen(timestamp), strlen("2026-01-02T03:04:05.000006Z"));
    assert_int_equal(timestamp[26], 'Z');
    json_t *fields = json_object_get(line, "fields");
    assert_string_equal(json_string_value(json_object_get(fields, "message")),
                        "hello w\"\\\n\x01?\xc3\xa9");
    assert_string_equal(json_string_value(json_object_get(fields, "realm")), "ab\"cd");
    assert_string_equal(json_string_value(json_object_get(fields, "group")), "01ff");
    assert_int_equal(json_integer_value(json_object_get(fields, "attempt")), 42);
    assert_non_null(strstr(json_string_value(json_object_get(line, "filename")), "test_reports.c"));
    assert_true(json_integer_value(json_object_get(line, "line_number")) > 0);
    assert_int_equal(text[strlen(text) - 1], '\n');
    json_decref(line);
}

static void a_text_line_is_one_line_with_fields(void **state)
{
    (void)state;
    struct captured captured;
    captured_open(&captured, RIND_LOG_FORMAT_TEXT, RIND_LOG_LEVEL_INFO);
    struct rind_log log = rind_log_with_text(&captured.log, "group", "g1");
    RIND_LOG_WARN(&log, "two\nlines \x1b[31m");
    const char *text = captured_close(&captured);
    assert_non_null(strstr(text, " WARN  two\\nlines \\u001b[31m group=g1 ("));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void levels_below_the_wanted_one_are_not_written(void **state)
{
    (void)state;
    struct captured captured;
    captured_open(&captured, RIND_LOG_FORMAT_JSON, RIND_LOG_LEVEL_WARN);
    RIND_LOG_INFO(&captured.log, "unwanted");
    RIND_LOG_DEBUG(&captured.log, "unwanted");
    RIND_LOG_ERROR(NULL, "nowhere");
    RIND_LOG_WARN(&captured.log, "wanted");
    const char *text = captured_close(&captured);
    assert_null(strstr(text, "unwanted"));
    assert_non_null(strstr(text, "wanted"));
}

static void floods_of_warnings_are_counted_not_written(void **state)
{
    (void)state;
    struct captured captured;
    captured_open(&captured, RIND_LOG_FORMAT_JSON, RIND_LOG_LEVEL_INFO);
    for (int i = 0; i < 100; i++) {
        RIND_LOG_WARN(&captured.log, "flood");
        RIND_LOG_INFO(&captured.log, "info");
    }
    const char *text = captured_close(&captured);
    unsigned floods = 0;
    unsigned infos = 0;
    for (const char *at = text; (at = strstr(at, "\"message\":\"flood\"")) != NULL; at++) {
        floods++;
    }
    for (const char *at = text; (at = strstr(at, "\"message\":\"info\"")) != NULL; at++) {
        infos++;
    }
    assert_int_equal(infos, 100);
    assert_true(floods >= 1 && floods < 100);
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "\"suppressed\":%u", 100 - floods);
    assert_non_null(strstr(text, expected));
}

static void long_messages_and_many_fields_are_cut_to_valid_json(void **state)
{
    (void)state;
    struct captured captured;
    captured_open(&captured, RIND_LOG_FORMAT_JSON, RIND_LOG_LEVEL_INFO);
    static char message[10000];
    memset(message, '\x02', sizeof(message) - 1);
    struct rind_log log = captured.log;
    char value[64];
    memset(value, '\x03', sizeof(value) - 1);
    value[63] = '\0';
    for (int i = 0; i < 20; i++) {
        log = rind_log_with_text(&log, "key", value);
    }
    RIND_LOG_INFO(&log, "%s", message);
    const char *text = captured_close(&captured);
    json_t *line = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);
    assert_non_null(line);
    json_decref(line);
    assert_true(strlen(text) <= RIND_LOG_LINE_SIZE_MAX);
}

static void a_reader_that_stalls_costs_lines_not_the_service(void **state)
{
    (void)state;
    struct captured captured;
    captured_open(&captured, RIND_LOG_FORMAT_JSON, RIND_LOG_LEVEL_INFO);
    for (int i = 0; i < 5000; i++) {
        RIND_LOG_INFO(&captured.log, "line %d of many that nobody reads for now", i);
    }
    size_t got = 0;
    char buffer[65536];
    struct pollfd ready = {.fd = captured.fds[0], .events = POLLIN};
    while (poll(&ready, 1, 0) > 0) {
        ssize_t length = read(captured.fds[0], buffer, sizeof(buffer));
        assert_true(length > 0);
        got += (size_t)length;
    }
    assert_true(got > 0);
    RIND_LOG_INFO(&captured.log, "reading again");
    const char *text = captured_close(&captured);
    assert_non_null(strstr(text, "reading again"));
    assert_non_null(strstr(text, "\"dropped\":"));
}

static void level_names_are_read_in_any_case_or_as_digits(void **state)
{
    (void)state;
    enum rind_log_level level;
    assert_true(rind_is_ok(rind_log_level_parse(NULL, "warn", &level)));
    assert_int_equal(level, RIND_LOG_LEVEL_WARN);
    assert_true(rind_is_ok(rind_log_level_parse(NULL, "TrAcE", &level)));
    assert_int_equal(level, RIND_LOG_LEVEL_TRACE);
    assert_true(rind_is_ok(rind_log_level_parse(NULL, "1", &level)));
    assert_int_equal(level, RIND_LOG_LEVEL_ERROR);
    static const char *const bad[] = {"", "0", "6", "11", "verbose"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_true(rind_is(rind_log_level_parse(NULL, bad[i], &level), RIND_E_INVALID));
    }
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    assert_int_equal(setenv("LOGLEVEL", "loud", 1), 0);
    assert_false(rind_is_ok(rind_log_level_from_environment(&ctx, RIND_LOG_LEVEL_INFO, &level)));
    assert_non_null(strstr(ctx.sentence, "LOGLEVEL"));
    assert_int_equal(unsetenv("LOGLEVEL"), 0);
    assert_true(rind_is_ok(rind_log_level_from_environment(&ctx, RIND_LOG_LEVEL_DEBUG, &level)));
    assert_int_equal(level, RIND_LOG_LEVEL_DEBUG);
}

static void metric_texts_are_cleaned_as_the_vectors_say(void **state)
{
    (void)state;
    json_t *vectors = rind_vectors_load("cloud-services.json");
    static const char *const lists[] = {"metric_names", "tags", "messages", "event_text"};
    for (size_t list = 0; list < 4; list++) {
        size_t index;
        json_t *row;
        json_array_foreach(json_object_get(vectors, lists[list]), index, row)
        {
            const char *in = json_string_value(json_object_get(row, "in"));
            const char *out = json_string_value(json_object_get(row, "out"));
            char clean[256];
            char name[256];
            const char *colon = strchr(in, ':');
            (void)snprintf(name, sizeof(name), "%.*s",
                           colon != NULL ? (int)(colon - in) : (int)strlen(in), in);
            switch (list) {
            case 0:
                rind_metrics_clean_name(in, clean, sizeof(clean));
                break;
            case 1:
                rind_metrics_clean_tag(name, colon != NULL ? colon + 1 : NULL, clean,
                                       sizeof(clean));
                break;
            case 2:
                rind_metrics_clean_message(in, clean, sizeof(clean));
                break;
            default:
                rind_metrics_clean_event_text(in, clean, sizeof(clean));
                break;
            }
            assert_string_equal(clean, out);
        }
    }
    json_decref(vectors);
}

struct collector {
    int fd;
    struct rind_address address;
    char line[2048];
};

static void collector_open(struct collector *collector)
{
    assert_true(
        rind_is_ok(rind_address_parse(NULL, rind_slice_text("127.0.0.1:0"), &collector->address)));
    collector->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr *name = (struct sockaddr *)(void *)&collector->address.storage;
    assert_int_equal(bind(collector->fd, name, collector->address.length), 0);
    assert_int_equal(getsockname(collector->fd, name, &collector->address.length), 0);
}

static const char *collector_read(struct collector *collector)
{
    struct pollfd ready = {.fd = collector->fd, .events = POLLIN};
    assert_int_equal(poll(&ready, 1, 20000), 1);
    ssize_t got = recv(collector->fd, collector->line, sizeof(collector->line) - 1, 0);
    assert_true(got > 0);
    collector->line[got] = '\0';
    return collector->line;
}

static void metrics_leave_as_the_datagrams_of_the_vectors(void **state)
{
    (void)state;
    struct collector collector;
    struct rind_metrics *agent = NULL;
    struct rind_metrics *balancer = NULL;
    const struct rind_tag agent_tag = {"service", "software-agent"};
    const struct rind_tag balancer_tag = {"service", "load_balancer"};
    collector_open(&collector);
    assert_true(rind_is_ok(rind_metrics_new(NULL, &agent_tag, 1, &agent)));
    assert_true(rind_is_ok(rind_metrics_new(NULL, &balancer_tag, 1, &balancer)));
    assert_true(rind_is_ok(rind_metrics_add_dogstatsd(NULL, agent, &collector.address, NULL)));
    assert_true(rind_is_ok(rind_metrics_add_dogstatsd(NULL, balancer, &collector.address, NULL)));

    const struct rind_tag tags[] = {
        {"realm", "c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8"}, {"tenant", "acme"}, {"type", "recover2"}};
    rind_metrics_count(agent, "realm.request.count", 1, tags, 3);
    assert_string_equal(collector_read(&collector),
                        "realm.request.count:1|c|#realm:c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8,"
                        "tenant:acme,type:recover2,service:software-agent");
    rind_metrics_timing_ns(balancer, "service.uptime", 1500000, NULL, 0);
    assert_string_equal(collector_read(&collector),
                        "service.uptime.ns:1500000|d|#service:load_balancer");
    rind_metrics_gauge(balancer, "load_balancer.connections.active", 3, NULL, 0);
    assert_string_equal(collector_read(&collector),
                        "load_balancer.connections.active:3|g|#service:load_balancer");
    const struct rind_tag event_tags[] = {{"realm", "c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8"},
                                          {"group", "01010101010101010101010101010101"}};
    rind_metrics_event(agent, "Agent watchdog triggered",
                       "group in suspect state (hsm is leader, agent is not)", event_tags, 2);
    assert_string_equal(collector_read(&collector),
                        "_e{24,52}:Agent watchdog triggered|group in suspect state (hsm is leader, "
                        "agent is not)|#realm:c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8,"
                        "group:01010101010101010101010101010101,service:software-agent");
    rind_metrics_service_check(balancer, "healthcheck.register_recover", RIND_SERVICE_OK, NULL,
                               NULL, 0);
    assert_string_equal(collector_read(&collector),
                        "_sc|healthcheck.register_recover|0|#service:load_balancer");
    rind_metrics_set(balancer, "users", "a:b", NULL, 0);
    assert_string_equal(collector_read(&collector), "users:a_b|s|#service:load_balancer");
    rind_metrics_gauge_decimal(balancer, "days", 2.5, NULL, 0);
    assert_string_equal(collector_read(&collector), "days:2.500000|g|#service:load_balancer");
    rind_metrics_close(agent);
    rind_metrics_close(balancer);
    (void)close(collector.fd);
}

static void metrics_leave_through_a_unix_socket_too(void **state)
{
    (void)state;
    struct collector collector;
    struct rind_metrics *metrics = NULL;
    char folder[] = "/tmp/rind-metrics-XXXXXX";
    char path[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/s", folder);
    assert_true(rind_is_ok(rind_address_unix(NULL, path, &collector.address)));
    collector.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(collector.fd,
                          (const struct sockaddr *)(const void *)&collector.address.storage,
                          collector.address.length),
                     0);
    assert_true(rind_is_ok(rind_metrics_new(NULL, NULL, 0, &metrics)));
    assert_true(rind_is_ok(rind_metrics_add_dogstatsd(NULL, metrics, &collector.address, NULL)));
    rind_metrics_distribution(metrics, "a.b", 5, NULL, 0);
    assert_string_equal(collector_read(&collector), "a.b:5|d");
    rind_metrics_close(metrics);
    (void)close(collector.fd);
    (void)unlink(path);
    (void)rmdir(folder);
}

/* Sends until something arrives, as a daemon would. */
static void metrics_send_until_read(struct rind_metrics *metrics, struct collector *collector)
{
    struct rind_deadline deadline = rind_deadline_in_ms(20000);
    struct pollfd ready = {.fd = collector->fd, .events = POLLIN};
    do {
        assert_false(rind_deadline_has_expired(deadline));
        rind_metrics_count(metrics, "again", 1, NULL, 0);
    } while (poll(&ready, 1, 10) == 0);
    assert_non_null(strstr(collector_read(collector), "again:1|c"));
}

static void metrics_reach_a_collector_that_comes_back(void **state)
{
    (void)state;
    struct collector collector;
    struct rind_metrics *metrics = NULL;
    collector_open(&collector);
    assert_true(rind_is_ok(rind_metrics_new(NULL, NULL, 0, &metrics)));
    assert_true(rind_is_ok(rind_metrics_add_dogstatsd(NULL, metrics, &collector.address, NULL)));
    metrics_send_until_read(metrics, &collector);
    (void)close(collector.fd);
    for (int i = 0; i < 10; i++) {
        rind_metrics_count(metrics, "nobody.listens", 1, NULL, 0);
    }
    collector.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(collector.fd, (struct sockaddr *)(void *)&collector.address.storage,
                          collector.address.length),
                     0);
    metrics_send_until_read(metrics, &collector);
    (void)close(collector.fd);
    rind_metrics_close(metrics);
}

static void metrics_without_a_collector_or_without_sink_cost_nothing(void **state)
{
    (void)state;
    struct collector collector;
    struct rind_metrics *metrics = NULL;
    collector_open(&collector);
    (void)close(collector.fd);
    assert_true(rind_is_ok(rind_metrics_new(NULL, NULL, 0, &metrics)));
    rind_metrics_count(metrics, "before.any.sink", 1, NULL, 0);
    assert_true(rind_is_ok(rind_metrics_add_dogstatsd(NULL, metrics, &collector.address, NULL)));
    for (int i = 0; i < 100; i++) {
        rind_metrics_count(metrics, "nobody.listens", 1, NULL, 0);
    }
    rind_metrics_count(NULL, "no.metrics", 1, NULL, 0);
    rind_metrics_close(metrics);
    rind_metrics_close(NULL);
}

static void a_failed_assertion_reports_one_json_line_and_aborts(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)dup2(fds[1], STDERR_FILENO);
        (void)signal(SIGABRT, SIG_DFL);
        RIND_ASSERT(strcmp("a\"b", "c") == 0);
        _exit(0);
    }
    (void)close(fds[1]);
    char text[4096] = "";
    size_t length = 0;
    ssize_t got;
    while ((got = read(fds[0], text + length, sizeof(text) - 1 - length)) > 0) {
        length += (size_t)got;
    }
    (void)close(fds[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    json_t *line = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);
    assert_non_null(line);
    assert_string_equal(json_string_value(json_object_get(line, "message")), "panicked. exiting");
    assert_true(json_is_true(json_object_get(line, "panic")));
    assert_non_null(strstr(json_string_value(json_object_get(line, "reason")), "strcmp"));
    assert_non_null(strstr(json_string_value(json_object_get(line, "location")), "test_reports.c"));
    json_decref(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_json_line_has_the_specified_members),
        cmocka_unit_test(a_text_line_is_one_line_with_fields),
        cmocka_unit_test(levels_below_the_wanted_one_are_not_written),
        cmocka_unit_test(floods_of_warnings_are_counted_not_written),
        cmocka_unit_test(long_messages_and_many_fields_are_cut_to_valid_json),
        cmocka_unit_test(a_reader_that_stalls_costs_lines_not_the_service),
        cmocka_unit_test(level_names_are_read_in_any_case_or_as_digits),
        cmocka_unit_test(metric_texts_are_cleaned_as_the_vectors_say),
        cmocka_unit_test(metrics_leave_as_the_datagrams_of_the_vectors),
        cmocka_unit_test(metrics_leave_through_a_unix_socket_too),
        cmocka_unit_test(metrics_reach_a_collector_that_comes_back),
        cmocka_unit_test(metrics_without_a_collector_or_without_sink_cost_nothing),
        cmocka_unit_test(a_failed_assertion_reports_one_json_line_and_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
