// SPDX-License-Identifier: GPL-2.0-only
#define RELEASE 1
#include "transaction_count.h"
