// Many jobs in one parallel region: each task runs once, whatever the pool does.
#include "runtime/team.h"

#include <atomic>
#include <stdexcept>
#include <vector>

#include "testing.h"

namespace {

using mobilekernels::Context;
using mobilekernels::parallel_for;
using mobilekernels::run_as_team;

using Pool = void (*)(void*, int, void (*)(void*, int), void*);

void backwards(void*, int tasks, void (*task)(void*, int), void* arg) {
  for (int i = tasks; i-- > 0;) task(arg, i);
}

Context context_of(int threads, Pool pool) {
  Context context;
  context.threads = threads;
  context.run_tasks = pool;
  return context;
}

template <typename Body>
void as_team(const Context& outer, const Body& body) {
  run_as_team(
      outer, [](void* arg, const Context& team) { (*static_cast<const Body*>(arg))(team); }, const_cast<Body*>(&body));
}

constexpr Pool kPools[] = {nullptr, testing::run_on_threads, backwards};

TEST(every_task_runs_once) {
  for (const Pool pool : kPools) {
    for (const int threads : {1, 2, 5}) {
      std::vector<int> counts(37);
      int calls = 0;
      as_team(context_of(threads, pool), [&](const Context& team) {
        ++calls;
        for (int64_t job = 0; job < 2000; ++job) {
          parallel_for(team, 1 + job % 37, 1, [&](int, int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; ++i) ++counts[static_cast<size_t>(i)];  // no two tasks share one
          });
        }
      });
      EXPECT_EQ(calls, 1);
      int64_t sum = 0, expected = 0;
      for (const int count : counts) sum += count;
      for (int64_t job = 0; job < 2000; ++job) expected += 1 + job % 37;
      EXPECT_EQ(sum, expected);
    }
  }
}

TEST(more_tasks_than_threads) {
  for (const int tasks : {3, 1000, 70000}) {
    std::vector<std::atomic<int>> counts(static_cast<size_t>(tasks));
    as_team(context_of(2, testing::run_on_threads), [&](const Context& team) {
      team.run_tasks(
          team.pool, tasks,
          [](void* arg, int i) { ++(*static_cast<std::vector<std::atomic<int>>*>(arg))[static_cast<size_t>(i)]; },
          &counts);
    });
    for (const std::atomic<int>& count : counts) EXPECT_EQ(count.load(), 1);
  }
}

TEST(an_exception_of_a_task_comes_out) {
  for (const Pool pool : {Pool{testing::run_on_threads}, Pool{backwards}}) {
    for (const int64_t bad : {0, 1, 2}) {
      int after = 0;
      bool caught = false;
      try {
        as_team(context_of(3, pool), [&](const Context& team) {
          parallel_for(team, 3, 1, [&](int, int64_t begin, int64_t) {
            if (begin == bad) throw std::runtime_error("a task");
          });
          ++after;
        });
      } catch (const std::runtime_error&) {
        caught = true;
      }
      EXPECT(caught);
      EXPECT_EQ(after, 0);
    }
  }
}

}  // namespace
