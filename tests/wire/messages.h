/*
 * messages.h - every schema of the room, by header, for tests that hold for all of them.
 */
#ifndef RIND_TESTS_WIRE_MESSAGES_H
#define RIND_TESTS_WIRE_MESSAGES_H

#include "wire/wire.h"

#define MESSAGES_OF_TYPES(X)                                                                       \
    X(bit_vector)                                                                                  \
    X(duration)                                                                                    \
    X(owned_range)                                                                                 \
    X(partition)                                                                                   \
    X(transferring_in)                                                                             \
    X(transferring_out)                                                                            \
    X(transferring)                                                                                \
    X(log_entry)                                                                                   \
    X(log_position)                                                                                \
    X(role_leader)                                                                                 \
    X(role_stepping_down)                                                                          \
    X(group_member_role)                                                                           \
    X(role_status)                                                                                 \
    X(captured)                                                                                    \
    X(captured_list)                                                                               \
    X(hsm_id_list)                                                                                 \
    X(mac_list)                                                                                    \
    X(log_entry_list)                                                                              \
    X(guess_state)                                                                                 \
    X(app_result_recover2)                                                                         \
    X(app_result_recover3)                                                                         \
    X(app_result_type)                                                                             \
    X(handshake_request)                                                                           \
    X(handshake_response)                                                                          \
    X(noise_request_handshake)                                                                     \
    X(noise_transport)                                                                             \
    X(noise_request)                                                                               \
    X(noise_response_handshake)                                                                    \
    X(noise_response)                                                                              \
    X(branch)                                                                                      \
    X(interior_node)                                                                               \
    X(leaf_node)                                                                                   \
    X(node)                                                                                        \
    X(node_key)                                                                                    \
    X(node_key_list)                                                                               \
    X(interior_node_list)                                                                          \
    X(read_proof)                                                                                  \
    X(node_addition_list)                                                                          \
    X(store_delta)                                                                                 \
    X(rpc_error)

#define MESSAGES_OF_CLIENT(X)                                                                      \
    X(oprf_signed_public_key)                                                                      \
    X(policy)                                                                                      \
    X(dleq_proof)                                                                                  \
    X(register2_request)                                                                           \
    X(recover2_request)                                                                            \
    X(recover3_request)                                                                            \
    X(secrets_request)                                                                             \
    X(register1_response)                                                                          \
    X(register2_response)                                                                          \
    X(recover1_ok)                                                                                 \
    X(recover1_response)                                                                           \
    X(recover2_ok)                                                                                 \
    X(recover2_response)                                                                           \
    X(recover3_ok)                                                                                 \
    X(recover3_bad_unlock_key_tag)                                                                 \
    X(recover3_response)                                                                           \
    X(delete_response)                                                                             \
    X(secrets_response)                                                                            \
    X(padded_secrets_response)                                                                     \
    X(client_request_kind)                                                                         \
    X(client_request)                                                                              \
    X(client_response)

#define MESSAGES_OF_HSM(X)                                                                         \
    X(hsm_status_request)                                                                          \
    X(leader_status)                                                                               \
    X(group_status)                                                                                \
    X(group_status_list)                                                                           \
    X(realm_status)                                                                                \
    X(hsm_status_response)                                                                         \
    X(hsm_new_realm_request)                                                                       \
    X(hsm_new_realm_ok)                                                                            \
    X(hsm_new_realm_response)                                                                      \
    X(hsm_join_realm_request)                                                                      \
    X(hsm_join_realm_ok)                                                                           \
    X(hsm_join_realm_response)                                                                     \
    X(group_member)                                                                                \
    X(group_member_list)                                                                           \
    X(hsm_new_group_request)                                                                       \
    X(hsm_new_group_ok)                                                                            \
    X(hsm_new_group_response)                                                                      \
    X(hsm_join_group_request)                                                                      \
    X(hsm_join_group_response)                                                                     \
    X(hsm_become_leader_request)                                                                   \
    X(hsm_become_leader_ok)                                                                        \
    X(hsm_not_captured)                                                                            \
    X(hsm_become_leader_response)                                                                  \
    X(hsm_step_down_request)                                                                       \
    X(hsm_step_down_ok)                                                                            \
    X(hsm_step_down_response)                                                                      \
    X(hsm_capture_jump_request)                                                                    \
    X(hsm_capture_jump_response)                                                                   \
    X(hsm_capture_next_request)                                                                    \
    X(hsm_capture_next_response)                                                                   \
    X(hsm_persist_state_request)                                                                   \
    X(hsm_persist_state_ok)                                                                        \
    X(hsm_persist_state_response)                                                                  \
    X(hsm_commit_request)                                                                          \
    X(released_response)                                                                           \
    X(released_response_list)                                                                      \
    X(commit_state)                                                                                \
    X(hsm_commit_response)                                                                         \
    X(hsm_prepare_transfer_request)                                                                \
    X(hsm_prepare_transfer_ok)                                                                     \
    X(hsm_prepare_transfer_response)                                                               \
    X(hsm_cancel_prepared_transfer_request)                                                        \
    X(hsm_cancel_prepared_transfer_ok)                                                             \
    X(hsm_cancel_prepared_transfer_response)                                                       \
    X(hsm_transfer_out_request)                                                                    \
    X(hsm_transfer_out_ok)                                                                         \
    X(hsm_transfer_out_response)                                                                   \
    X(hsm_transfer_statement_request)                                                              \
    X(hsm_transfer_statement_response)                                                             \
    X(transfer_in_proofs)                                                                          \
    X(hsm_transfer_in_request)                                                                     \
    X(hsm_transfer_in_ok)                                                                          \
    X(hsm_transfer_in_response)                                                                    \
    X(hsm_complete_transfer_request)                                                               \
    X(hsm_complete_transfer_ok)                                                                    \
    X(hsm_complete_transfer_response)                                                              \
    X(hsm_handshake_request)                                                                       \
    X(hsm_handshake_ok)                                                                            \
    X(hsm_handshake_response)                                                                      \
    X(hsm_app_request)                                                                             \
    X(hsm_app_ok)                                                                                  \
    X(hsm_app_response)                                                                            \
    X(hsm_request)                                                                                 \
    X(hsm_metrics)                                                                                 \
    X(hsm_request_envelope)                                                                        \
    X(hsm_metric)                                                                                  \
    X(hsm_metric_list)                                                                             \
    X(hsm_response_envelope)

#define MESSAGES_OF_SEALED(X)                                                                      \
    X(persistent_group_state)                                                                      \
    X(persistent_group_list)                                                                       \
    X(persistent_realm_state)                                                                      \
    X(persistent_state)                                                                            \
    X(group_configuration_message)                                                                 \
    X(realm_keys_message)                                                                          \
    X(hsm_realm_message)                                                                           \
    X(captured_message)                                                                            \
    X(log_entry_message)                                                                           \
    X(prepared_transfer_message)                                                                   \
    X(transfer_message)                                                                            \
    X(registered_state)                                                                            \
    X(registration_state)                                                                          \
    X(user_record)                                                                                 \
    X(software_record)

#define MESSAGES_OF_START(X)                                                                       \
    X(start_nvram)                                                                                 \
    X(start_request)                                                                               \
    X(start_key_role)                                                                              \
    X(start_failed_to_load)                                                                        \
    X(start_world_signer)                                                                          \
    X(start_invalid_ticket)                                                                        \
    X(start_invalid_key_length)                                                                    \
    X(start_response)

#define MESSAGES_OF_AGENT(X)                                                                       \
    X(agent_status_request)                                                                        \
    X(agent_leader_status)                                                                         \
    X(agent_group_status)                                                                          \
    X(agent_group_status_list)                                                                     \
    X(agent_service_status)                                                                        \
    X(agent_status_response)                                                                       \
    X(agent_app_request)                                                                           \
    X(agent_app_response)                                                                          \
    X(agent_captured_request)                                                                      \
    X(agent_captured_response)                                                                     \
    X(agent_rate_state_request)                                                                    \
    X(agent_tenant_rate_state)                                                                     \
    X(agent_tenant_rate_state_list)                                                                \
    X(agent_rate_state_response)                                                                   \
    X(u64_list)                                                                                    \
    X(rate_reservation)                                                                            \
    X(rate_reservation_list)                                                                       \
    X(rate_reserved_list)                                                                          \
    X(rate_used)                                                                                   \
    X(rate_used_list)                                                                              \
    X(rate_reservations)                                                                           \
    X(rate_state)                                                                                  \
    X(agent_tenants_reload_request)                                                                \
    X(agent_tenants_reload_ok)                                                                     \
    X(agent_tenants_reload_response)                                                               \
    X(agent_become_leader_request)                                                                 \
    X(agent_not_captured)                                                                          \
    X(agent_become_leader_response)                                                                \
    X(agent_stepdown_request)                                                                      \
    X(agent_stepdown_ok)                                                                           \
    X(agent_stepdown_response)                                                                     \
    X(agent_realm_new_request)                                                                     \
    X(agent_realm_new_ok)                                                                          \
    X(agent_realm_new_response)                                                                    \
    X(agent_realm_join_request)                                                                    \
    X(agent_realm_join_ok)                                                                         \
    X(agent_realm_join_response)                                                                   \
    X(agent_group_new_request)                                                                     \
    X(agent_group_new_ok)                                                                          \
    X(agent_group_new_response)                                                                    \
    X(agent_group_join_request)                                                                    \
    X(agent_group_join_response)                                                                   \
    X(agent_transfer_prepare_request)                                                              \
    X(agent_transfer_prepare_ok)                                                                   \
    X(agent_transfer_prepare_response)                                                             \
    X(agent_transfer_cancel_prepare_request)                                                       \
    X(agent_transfer_cancel_prepare_response)                                                      \
    X(agent_transfer_out_request)                                                                  \
    X(agent_transfer_out_ok)                                                                       \
    X(agent_transfer_out_response)                                                                 \
    X(agent_transfer_in_request)                                                                   \
    X(agent_transfer_in_response)                                                                  \
    X(agent_transfer_owns_request)                                                                 \
    X(agent_not_owned)                                                                             \
    X(agent_transfer_owns_response)                                                                \
    X(agent_transfer_complete_request)                                                             \
    X(agent_transfer_complete_response)

#define MESSAGES_OF_CLUSTER(X)                                                                     \
    X(cluster_group)                                                                               \
    X(cluster_stepdown_request)                                                                    \
    X(cluster_stepdown_response)                                                                   \
    X(cluster_rebalance_request)                                                                   \
    X(cluster_rebalanced)                                                                          \
    X(cluster_rebalance_ok)                                                                        \
    X(cluster_rebalance_error)                                                                     \
    X(cluster_rebalance_response)                                                                  \
    X(cluster_transfer_request)                                                                    \
    X(cluster_transfer_ok)                                                                         \
    X(cluster_transfer_error)                                                                      \
    X(cluster_transfer_response)

#define MESSAGES_OF_SPLICE(X)                                                                      \
    X(spliced_read_proof)                                                                          \
    X(spliced_app_request)                                                                         \
    X(spliced_capture_next_request)                                                                \
    X(spliced_request)                                                                             \
    X(spliced_request_envelope)                                                                    \
    X(spliced_addition_list)                                                                       \
    X(spliced_store_delta)                                                                         \
    X(spliced_app_ok)                                                                              \
    X(spliced_app_response)

#define MESSAGES(X)                                                                                \
    MESSAGES_OF_TYPES(X)                                                                           \
    MESSAGES_OF_CLIENT(X)                                                                          \
    MESSAGES_OF_HSM(X)                                                                             \
    MESSAGES_OF_SEALED(X)                                                                          \
    MESSAGES_OF_START(X)                                                                           \
    MESSAGES_OF_AGENT(X)                                                                           \
    MESSAGES_OF_CLUSTER(X)                                                                         \
    MESSAGES_OF_SPLICE(X)

#define MESSAGE_ROW(name) &rind_##name##_schema,

#endif
