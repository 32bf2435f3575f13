/*
 * tenantlog.h - the room of rind-tenant-log: a tenant's backend reads what happened to its users.
 *
 * Purpose: an HTTP service (service.h) beside a realm that shows a tenant its own events and takes
 * acknowledgements. Events come from a source (event_source.h; Pub/Sub), keys that verify tokens
 * from another (key_source.h; Secret Manager or a file) through a bounded cache (tenant_keys.h).
 * Trusts both sources for what they say, nothing that callers send before their token verified.
 * Never does: show a tenant anything but its own topic; let callers without a token cause more than
 * a bounded number of requests to Secret Manager. Read service.h, then body.h and the sources.
 * Spec: docs/spec/05-cloud-services.md section 12.
 */
#ifndef RIND_TENANTLOG_TENANTLOG_H
#define RIND_TENANTLOG_TENANTLOG_H

#include "tenantlog/body.h"
#include "tenantlog/event_source.h"
#include "tenantlog/gate.h"
#include "tenantlog/key_source.h"
#include "tenantlog/service.h"
#include "tenantlog/tenant_keys.h"

#endif
