/* command.c - see command.h. */
#include "cli/command.h"

#include <stdio.h>

rind_status rind_cli_connect(struct rind_cli *cli, const char *store_name)
{
    const struct rind_store_options options = {.log = &cli->log};
    RIND_TRY(rind_store_open(&cli->ctx, store_name, &options, &cli->store));
    const struct rind_client_options client_options = rind_client_options_default();
    RIND_TRY(rind_client_open(&cli->ctx, &client_options, &cli->client));
    cli->cluster = (struct rind_cluster){
        .store = cli->store, .client = cli->client, .log = &cli->log, .name = "rind"};
    return RIND_OK;
}

int rind_cli_exit(struct rind_cli *cli, rind_status status)
{
    if (rind_is_ok(status)) {
        return 0;
    }
    (void)fprintf(stderr, "error: %s\n",
                  cli->ctx.sentence[0] != '\0' ? cli->ctx.sentence
                                               : rind_code_name((enum rind_code)status.code));
    return RIND_CLI_EXIT_FAULT;
}
