// Runs a program on a plan: one call for the whole segment, nothing allocated in it.
#pragma once

#include <memory>

#include "segment/plan.h"

namespace mobilekernels::segment {

struct Session {
  Program program;
  Plan plan;

  size_t scratch_bytes() const { return static_cast<size_t>(plan.arena_bytes) + plan.workspace_bytes; }
  const TensorInfo& output_info(size_t i) const { return plan.infos[static_cast<size_t>(program.outputs[i])]; }
};

// The session of this text for operands of these shapes. Kept for the next call (the latest few hundred): programs are
// read and planned once. Safe from any thread; a session may run in many at once.
Status open_session(const std::string& text, const std::vector<Operand>& operands, int threads,
                    std::shared_ptr<const Session>* session);

// `operands` as open_session had them, with data. `context.workspace` holds scratch_bytes() or more; `outputs` are
// contiguous and share no memory with anything else.
Status run_session(const Session& session, const std::vector<Operand>& operands, void* const* outputs,
                   const Context& context);

}  // namespace mobilekernels::segment
