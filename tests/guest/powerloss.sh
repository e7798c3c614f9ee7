#!/bin/bash
# The short form of tests/soak/powerloss: a guest whose power is cut twice.
exec "$(dirname "$0")/../soak/powerloss" "${IOV_POWER_CUTS:-2}"
