// Runs a program on a plan: one call for the whole segment, nothing allocated in it.
#pragma once

#include <atomic>
#include <memory>

#include "segment/plan.h"

namespace mobilekernels::segment {

// Where a value's memory is in a call: an operand's or an output's by number, or the arena's at an offset.
struct Place {
  enum class In : uint8_t { operand, output, arena };
  In in;
  int64_t at;
};

// A node of the program that has something to do.
struct Step {
  int node;
  Runner run;
  std::vector<Place> inputs;
  Place out;
};

struct Session {
  std::string text;
  Program program;
  Plan plan;
  std::vector<Step> steps;
  // How often the first run went parallel: below two, entering the pool once for all operators gains nothing.
  mutable std::atomic<int> parallel_jobs{-1};

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
