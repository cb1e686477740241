// ExecuTorch tells an event tracer when an operator begins and ends; this one adds the times up, by name, in the order
// of their first call. What is inside of a segment or a delegate is one event.
#pragma once

#include <executorch/runtime/core/event_tracer.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace runner {

struct OperatorTime {
  std::string name;
  int64_t calls;
  double microseconds;
};

class Tracer final : public ::executorch::runtime::EventTracer {
  using Entry = ::executorch::runtime::EventTracerEntry;
  using Chain = ::executorch::runtime::ChainID;
  using Handle = ::executorch::runtime::DebugHandle;
  using Delegate = ::executorch::runtime::DelegateDebugIntId;
  using Tensor = ::executorch::aten::Tensor;
  using Logged = ::executorch::runtime::Result<bool>;

 public:
  const std::vector<OperatorTime>& times() const { return times_; }
  // Between calls.
  void forget() { times_.clear(); }

  Entry start_profiling(const char* name, Chain, Handle) override { return begin(name); }
  void end_profiling(Entry entry) override { end(entry); }
  Entry start_profiling_delegate(const char* name, Delegate) override { return begin(name == nullptr ? "" : name); }
  void end_profiling_delegate(Entry entry, const void*, size_t) override { end(entry); }

  void create_event_block(const char*) override {}
  void log_profiling_delegate(const char*, Delegate, et_timestamp_t, et_timestamp_t, const void*, size_t) override {}
  void track_allocation(::executorch::runtime::AllocatorID, size_t) override {}
  ::executorch::runtime::AllocatorID track_allocator(const char*) override { return 0; }
  Logged log_evalue(const ::executorch::runtime::EValue&, ::executorch::runtime::LoggedEValueType) override {
    return false;
  }
  Logged log_intermediate_output_delegate(const char*, Delegate, const Tensor&) override { return false; }
  Logged log_intermediate_output_delegate(const char*, Delegate, ::executorch::runtime::ArrayRef<Tensor>) override {
    return false;
  }
  Logged log_intermediate_output_delegate(const char*, Delegate, const int&) override { return false; }
  Logged log_intermediate_output_delegate(const char*, Delegate, const bool&) override { return false; }
  Logged log_intermediate_output_delegate(const char*, Delegate, const double&) override { return false; }
  void set_delegation_intermediate_output_filter(::executorch::runtime::EventTracerFilterBase*) override {}

 private:
  static int64_t now() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }

  Entry begin(const std::string& name) {
    size_t at = 0;
    while (at < times_.size() && times_[at].name != name) ++at;
    if (at == times_.size()) times_.push_back({name, 0, 0});
    Entry entry{};
    entry.event_id = static_cast<int64_t>(at);
    entry.start_time = static_cast<et_timestamp_t>(now());
    return entry;
  }

  void end(const Entry& entry) {
    OperatorTime& time = times_.at(static_cast<size_t>(entry.event_id));
    ++time.calls;
    time.microseconds += static_cast<double>(now() - static_cast<int64_t>(entry.start_time)) / 1e3;
  }

  std::vector<OperatorTime> times_;
};

}  // namespace runner
