/* plot.c - see plot.h. */
#include "cli/bench/plot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PLOT_WIDTH 900.0
#define PLOT_PANEL_HEIGHT 260.0
#define PLOT_LEFT 70.0
#define PLOT_RIGHT 70.0
#define PLOT_TOP 40.0
#define PLOT_BOTTOM 40.0
#define PLOT_GRID_LINES 4
#define PLOT_LABEL_SIZE_MAX 32u

/* One panel's frame, and what its axes span. */
struct plot_panel {
    FILE *out;
    double top; /* of the frame */
    double time_max_s;
    double rate_max;
    double latency_max_ms;
};

/* A line of the picture: which number of a second it shows. */
struct plot_line {
    const char *name;
    const char *style;
    double (*value)(const struct rind_load_second *second);
    bool is_latency;
};

static double plot_rate(const struct rind_load_second *second)
{
    return second->duration_s > 0 ? (double)second->ok_count / second->duration_s : 0;
}

static double plot_errors(const struct rind_load_second *second)
{
    return second->duration_s > 0 ? (double)second->error_count / second->duration_s : 0;
}

static double plot_p50(const struct rind_load_second *second)
{
    return (double)second->p50_us / 1000.0;
}

static double plot_p99(const struct rind_load_second *second)
{
    return (double)second->p99_us / 1000.0;
}

static const struct plot_line plot_lines[] = {
    {"operations/s", "stroke=\"#1b6ca8\" stroke-width=\"2\"", plot_rate, false},
    {"errors/s", "stroke=\"#c1121f\" stroke-width=\"2\" stroke-dasharray=\"2 3\"", plot_errors,
     false},
    {"p50 ms", "stroke=\"#2a9d3f\" stroke-width=\"1.5\"", plot_p50, true},
    {"p99 ms", "stroke=\"#2a9d3f\" stroke-width=\"1.5\" stroke-dasharray=\"6 3\"", plot_p99, true},
};
#define PLOT_LINE_COUNT (sizeof(plot_lines) / sizeof(plot_lines[0]))

/* The smallest of 1, 2, 5, 10, 20, ... that is at least `value`. */
static double plot_round_up(double value)
{
    double step = 0.001;
    static const double factors[] = {1, 2, 5};
    for (;;) {
        for (size_t i = 0; i < sizeof(factors) / sizeof(factors[0]); i++) {
            if (factors[i] * step >= value) {
                return factors[i] * step;
            }
        }
        step *= 10;
    }
}

static double plot_x(const struct plot_panel *panel, double time_s)
{
    return PLOT_LEFT + (PLOT_WIDTH - PLOT_LEFT - PLOT_RIGHT) * time_s / panel->time_max_s;
}

/* `share` of an axis, 0 at the bottom. */
static double plot_y(const struct plot_panel *panel, double share)
{
    double height = PLOT_PANEL_HEIGHT - PLOT_TOP - PLOT_BOTTOM;
    return panel->top + height * (1 - share);
}

static void plot_text(const struct plot_panel *panel, double x, double y, const char *anchor,
                      const char *text)
{
    (void)fprintf(panel->out,
                  "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" fill=\"#333\">%s</text>\n", x, y,
                  anchor, text);
}

static void plot_axes(const struct plot_panel *panel)
{
    for (int i = 0; i <= PLOT_GRID_LINES; i++) {
        char label[PLOT_LABEL_SIZE_MAX];
        double share = (double)i / PLOT_GRID_LINES;
        double y = plot_y(panel, share);
        (void)fprintf(panel->out,
                      "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>\n",
                      PLOT_LEFT, y, PLOT_WIDTH - PLOT_RIGHT, y);
        (void)snprintf(label, sizeof(label), "%g", panel->rate_max * share);
        plot_text(panel, PLOT_LEFT - 6, y + 4, "end", label);
        (void)snprintf(label, sizeof(label), "%g ms", panel->latency_max_ms * share);
        plot_text(panel, PLOT_WIDTH - PLOT_RIGHT + 6, y + 4, "start", label);
        (void)snprintf(label, sizeof(label), "%.4g s", panel->time_max_s * share);
        plot_text(panel, plot_x(panel, panel->time_max_s * share), plot_y(panel, 0) + 18, "middle",
                  label);
    }
}

static void plot_draw(const struct plot_panel *panel, const struct plot_line *line,
                      const struct rind_load_result *result)
{
    double max = line->is_latency ? panel->latency_max_ms : panel->rate_max;
    (void)fprintf(panel->out, "<polyline fill=\"none\" %s points=\"", line->style);
    for (size_t i = 0; i < result->second_count; i++) {
        const struct rind_load_second *second = &result->seconds[i];
        if (line->is_latency && second->ok_count == 0) {
            continue; /* nobody was served: there is no latency */
        }
        (void)fprintf(panel->out, "%.1f,%.1f ", plot_x(panel, second->at_s),
                      plot_y(panel, line->value(second) / max));
    }
    (void)fprintf(panel->out, "\"/>\n");
}

static void plot_legend(const struct plot_panel *panel, const char *title)
{
    double y = panel->top - 14;
    (void)fprintf(panel->out,
                  "<text x=\"%.1f\" y=\"%.1f\" font-weight=\"bold\" fill=\"#000\">%s</text>\n",
                  PLOT_LEFT, y, title);
    for (size_t i = 0; i < PLOT_LINE_COUNT; i++) {
        double x = PLOT_LEFT + 150 + 140 * (double)i;
        (void)fprintf(panel->out, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" %s/>\n", x,
                      y - 4, x + 28, y - 4, plot_lines[i].style);
        plot_text(panel, x + 34, y, "start", plot_lines[i].name);
    }
}

static void plot_phase(FILE *out, const struct rind_report_phase *phase, size_t index)
{
    const struct rind_load_result *result = phase->result;
    struct plot_panel panel = {.out = out, .top = PLOT_PANEL_HEIGHT * (double)index + PLOT_TOP};
    for (size_t i = 0; i < result->second_count; i++) {
        for (size_t l = 0; l < PLOT_LINE_COUNT; l++) {
            double *max = plot_lines[l].is_latency ? &panel.latency_max_ms : &panel.rate_max;
            double value = plot_lines[l].value(&result->seconds[i]);
            *max = value > *max ? value : *max;
        }
        panel.time_max_s = result->seconds[i].at_s;
    }
    panel.rate_max = plot_round_up(panel.rate_max);
    panel.latency_max_ms = plot_round_up(panel.latency_max_ms);
    panel.time_max_s = panel.time_max_s > 0 ? panel.time_max_s : 1;
    plot_legend(&panel, rind_workload_operation_name(phase->operation));
    plot_axes(&panel);
    for (size_t l = 0; l < PLOT_LINE_COUNT; l++) {
        plot_draw(&panel, &plot_lines[l], result);
    }
}

rind_status rind_plot_write(struct rind_ctx *ctx, const struct rind_report *report,
                            const char *path)
{
    FILE *out = fopen(path, "we");
    RIND_REQUIRE(ctx, out != NULL, RIND_E_IO, "cannot write %s: %s", path, strerror(errno));
    double height = PLOT_PANEL_HEIGHT * (double)report->phase_count;
    (void)fprintf(out,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
                  "viewBox=\"0 0 %.0f %.0f\" font-family=\"sans-serif\" font-size=\"12\">\n"
                  "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
                  PLOT_WIDTH, height, PLOT_WIDTH, height);
    for (size_t i = 0; i < report->phase_count; i++) {
        plot_phase(out, &report->phases[i], i);
    }
    (void)fprintf(out, "</svg>\n");
    bool is_written = ferror(out) == 0;
    is_written = fclose(out) == 0 && is_written;
    RIND_REQUIRE(ctx, is_written, RIND_E_IO, "cannot write %s", path);
    return RIND_OK;
}
