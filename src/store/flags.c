/* flags.c - see flags.h. */
#include "store/flags.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/store.h"

#define FLAGS_EMULATOR_VARIABLE "BIGTABLE_EMULATOR_HOST"

struct rind_flag_table rind_bigtable_flags_table(struct rind_bigtable_flags *flags)
{
    struct rind_flag *rows = flags->rows;
    rows[0] = (struct rind_flag){.name = "bigtable-project",
                                 .value_name = "PROJECT",
                                 .environment = "JB_GCP_PROJECT",
                                 .fallback = "prj",
                                 .kind = RIND_FLAG_TEXT,
                                 .help = "Google Cloud project of Bigtable and Secret Manager.",
                                 .value = &flags->project};
    rows[1] = (struct rind_flag){.name = "bigtable-instance",
                                 .value_name = "INSTANCE",
                                 .environment = "JB_BIGTABLE",
                                 .fallback = "instance",
                                 .kind = RIND_FLAG_TEXT,
                                 .help = "Bigtable instance.",
                                 .value = &flags->instance};
    rows[2] = (struct rind_flag){.name = "bigtable-url",
                                 .value_name = "URL",
                                 .show_fallback = "http://$" FLAGS_EMULATOR_VARIABLE
                                                  " if that is set, else Google's endpoints",
                                 .kind = RIND_FLAG_URL,
                                 .help = "URL of a Bigtable emulator.",
                                 .value = &flags->url,
                                 .is_given = &flags->has_url};
    rind_google_flag_rows(RIND_GOOGLE_BIGTABLE, &flags->google, &rows[3]);
    struct rind_flag_table table = {"Bigtable, for --store bigtable", rows,
                                    RIND_BIGTABLE_FLAG_ROWS};
    return table;
}

/* Google's client libraries and tools all read this variable, so an operator expects it of us. */
static rind_status flags_read_emulator(struct rind_ctx *ctx, struct rind_bigtable_flags *flags)
{
    const char *host = getenv(FLAGS_EMULATOR_VARIABLE);
    if (flags->has_url || host == NULL || host[0] == '\0') {
        return RIND_OK;
    }
    char text[RIND_URL_SIZE_MAX];
    int length = snprintf(text, sizeof(text), "http://%s", host);
    RIND_REQUIRE(ctx, length > 0 && (size_t)length < sizeof(text), RIND_E_INVALID,
                 FLAGS_EMULATOR_VARIABLE " is too long for an address");
    rind_status status = rind_url_parse(ctx, rind_slice_text(text), &flags->url);
    if (!rind_is_ok(status)) {
        return rind_fail_while(ctx, status, "reading " FLAGS_EMULATOR_VARIABLE " (give host:port)");
    }
    flags->has_url = true;
    return RIND_OK;
}

rind_status rind_bigtable_flags_options(struct rind_ctx *ctx, struct rind_bigtable_flags *flags,
                                        const struct rind_log *log,
                                        struct rind_bigtable_options *options)
{
    RIND_TRY(flags_read_emulator(ctx, flags));
    *options = (struct rind_bigtable_options){.project = flags->project,
                                              .instance = flags->instance,
                                              .url = flags->has_url ? &flags->url : NULL,
                                              .google = flags->google,
                                              .log = log};
    return RIND_OK;
}
