/*
 * cloud.h - Google's services: a channel to one, credentials, and the flags they all have.
 *
 * Purpose: blocking calls of gRPC services with one kind of error (docs/spec/04-store.md sections 3
 * and 4, docs/spec/05-cloud-services.md sections 1 and 2). Read in this order: flags.h (what an
 * operator can set), channel.h (calls), proto_memory.h (messages in bounded memory), then
 * credentials.h (who we are), then the services: secret_manager.h, pubsub.h.
 *
 * Trust: answers of a service are decoded in memory of bounded size and never end the process; what
 * they mean is judged by whoever asked.
 */
#ifndef RIND_CLOUD_CLOUD_H
#define RIND_CLOUD_CLOUD_H

#include "cloud/channel.h"
#include "cloud/flags.h"
#include "cloud/proto_memory.h"
#include "cloud/pubsub.h"
#include "cloud/secret_manager.h"

#endif
