/*
 * telemetry.h - traces on their way out: OpenTelemetry's exporter (spec 05 section 5).
 *
 * Purpose: what host/span.h records is sent to a collector, if an operator asks for it. Logs and
 * metrics are host/'s, since every program has them. Read in this order: settings.h (what the
 * environment says), exporter.h (queue, batches, sending).
 *
 * Trust: a collector may be missing, slow or hostile; all it can do is lose spans. Nothing of the
 * trusted core uses this room: rind-hsm's agent reports for it.
 */
#ifndef RIND_TELEMETRY_TELEMETRY_H
#define RIND_TELEMETRY_TELEMETRY_H

#include "telemetry/exporter.h"
#include "telemetry/settings.h"

#endif
