#include <array>

#include "app/server/classify_protocols.h"
#include "app/server/gym_protocol.h"
#include "app/server/protocol.h"
#include "app/server/rerank_protocols.h"
#include "app/server/rewards_protocol.h"
#include "app/server/trainer_protocols.h"

namespace endorm {

std::span<const ProtocolRoute> protocol_routes() {
  static constexpr std::array<ProtocolRoute, 18> kRoutes = {{
      {"/v1/rewards", read_rewards},
      {"/get_reward", read_get_reward},
      {"/remote_rm", read_remote_rm},
      {"/v1/score/evaluation", read_score_evaluation},
      {"/seed_session", read_seed_session},
      {"/close_session", read_close_session},
      {"/verify", read_verify},
      {"/aggregate_metrics", read_aggregate_metrics},
      {"/classify", read_classify},
      {"/v1/classify", read_classify},
      {"/pooling", read_pooling},
      {"/v1/embeddings", read_embeddings},
      {"/score", read_score},
      {"/v1/score", read_score},
      {"/rerank", read_rerank},
      {"/v1/rerank", read_rerank},
      {"/v2/rerank", read_rerank},
      {"/predict", read_predict},
  }};
  return kRoutes;
}

}  // namespace endorm
