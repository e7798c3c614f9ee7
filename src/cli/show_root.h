/* Roots as the commands that make them show them. */
#ifndef IOV_CLI_SHOW_ROOT_H
#define IOV_CLI_SHOW_ROOT_H

#include "cli/cli.h"

cli_show cli_show_prepared_root, cli_show_published_root;

#endif
