/* A plan as a person reads it: what comes, what goes, and where. docs/json.md has the document. */
#ifndef IOV_CLI_SHOW_PLAN_H
#define IOV_CLI_SHOW_PLAN_H

#include "cli/cli.h"

void cli_show_plan(const struct cli_look *look, const json_t *plan,
		   struct iov_buf *out); /* "install flow-table 1.0.0" */
void cli_show_result(const struct cli_look *look, const json_t *plan, struct iov_buf *out); /* "installed …" */
/* Ends a command whose answer is a plan: the plan with --dry-run, else what was done. */
int cli_answer_plan(struct cli *cli, int rc, char *json);

#endif
