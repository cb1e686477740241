// Programs: what is read and refused, and that planned memory never mixes values that are alive together.
#include "segment/program.h"

#include "pack/pack.h"
#include "segment/run.h"
#include "segment/times.h"
#include "testing.h"

namespace {

using mobilekernels::Context;
using mobilekernels::Status;
using mobilekernels::StatusCode;
using testing::Random;
using namespace mobilekernels::segment;

const char* const kGood = "segment 1\ninputs 1\nconstants 1\nlut 0 1 :  # a label : 1 2 3\nlut 2 1 :\noutputs 3\n";

TEST(a_program_is_read) {
  Program program;
  EXPECT(parse_program(kGood, &program).ok());
  EXPECT_EQ(program.inputs, 1);
  EXPECT_EQ(program.constants, 1);
  EXPECT_EQ(program.nodes.size(), size_t{2});
  EXPECT_EQ(program.nodes[1].inputs[0], 2);
  EXPECT_EQ(program.outputs[0], 3);
}

TEST(wrong_programs_are_refused_with_their_line) {
  const struct {
    const char* text;
    const char* part;
  } cases[] = {
      {"", "line 1"},
      {"segment 2\n", "line 1"},
      {"segment 1\ninputs 0\n", "line 2"},
      {"segment 1\ninputs x\n", "line 2"},
      {"segment 1\ninputs 1\nconstants -1\n", "line 3"},
      {"segment 1\ninputs 1\nconstants 99999999999\n", "line 3"},
      {"segment 1\ninputs 1\nconstants 0\nnothing 0 :\n", "'nothing'"},
      {"segment 1\ninputs 1\nconstants 0\nlut 1 :\n", "line 4"},
      {"segment 1\ninputs 1\nconstants 0\nlut -1 :\n", "line 4"},
      {"segment 1\ninputs 1\nconstants 0\nlut : 3\n", "needs an input"},
      {"segment 1\ninputs 1\nconstants 0\nquantize 0 : 1 nope\noutputs 1\n", "'nope'"},
      {"segment 1\ninputs 1\nconstants 0\nquantize 0 : 1 2\noutputs 0\n", "given output '0'"},
      {"segment 1\ninputs 1\nconstants 0\nquantize 0 : 1 2\noutputs 2\n", "given output '2'"},
      {"segment 1\ninputs 1\nconstants 0\nquantize 0 : 1 2\noutputs\n", "line 6"},
      {"segment 1\ninputs 1\nconstants 0\nquantize 0 : 1 2\n", "line 5"},
      {"segment 1\ninputs 1\nconstants 0\n\nquantize 0 : 1 2\noutputs 1\n", "line 4: is empty"},
      {"segment 1\ninputs 1\nconstants 0\nquantize 0 : 1 2\noutputs 1\nlut 0 :\n", "nothing may follow"},
  };
  for (const auto& c : cases) {
    Program program;
    const Status status = parse_program(c.text, &program);
    EXPECT(status.code == StatusCode::format_error);
    if (status.message.find(c.part) == std::string::npos) {
      testing::fail(__FILE__, __LINE__, status.message + " lacks " + c.part);
    }
  }
}

// Cut anywhere, or with any byte changed: a program or a format_error, never a crash.
TEST(damaged_programs) {
  const std::string good = kGood;
  Program program;
  for (size_t n = 0; n < good.size(); ++n) (void)parse_program(good.substr(0, n), &program);
  Random random(1);
  for (int i = 0; i < 5000; ++i) {
    std::string text = good;
    for (int k = 0; k < 3; ++k) {
      const auto at = static_cast<size_t>(random.integer(0, static_cast<int64_t>(text.size()) - 1));
      text[at] = static_cast<char>(random.integer(-128, 127));
    }
    Plan plan;
    if (!parse_program(text, &program).ok() || program.first_result() != 2) continue;
    (void)make_plan(program, {{{Dtype::int8, 1, {8}}, nullptr, nullptr}, {{Dtype::int8, 1, {256}}, nullptr, nullptr}},
                    1, &plan);
  }
}

Operand int8_operand(std::vector<int64_t> sizes, const void* data = nullptr) {
  Operand operand{{Dtype::int8, static_cast<int>(sizes.size()), {}}, nullptr, data};
  std::copy(sizes.begin(), sizes.end(), operand.info.sizes);
  return operand;
}

TEST(wrong_operands_are_refused_by_the_operator) {
  const struct {
    const char* node;
    const char* part;
  } cases[] = {
      {"lut 0 0 :", "lut: x"},
      {"lut 0 1 : 5", "lut: numbers"},
      {"quantize 0 : 1 0", "quantize: x"},
      {"dequantize 0 : 1", "dequantize: numbers"},
      {"dequantize 0 : 1 0.5", "an integer"},
      {"dequantize 0 : 1 128", "-128 to 127"},
      {"dequantize_nchw 1 : 1 0", "dequantize_nchw: x"},
      {"slice_channels 0 : 3 3", "slice_channels: start, end"},
      {"slice_channels 0 : 0 5", "slice_channels: start, end"},
      {"flatten 0 : 3 1", "flatten: start_dim"},
      {"flatten 0 : 0 4", "flatten: start_dim"},
      {"concat 0 1 : 1 1 1 0 0 1 0", "concat: x"},
      {"concat 0 0 : 4 1 1 0 0 1 0", "concat: dim"},
      {"max_pool2d 0 : [0,2] [1,1] [0,0,0,0] [1,1] 0", "kernel_size"},
      {"adaptive_avg_pool2d 0 : [0,1] 1 0 1 0 -128 127", "output_size"},
      {"conv2d 0 1 : 8 [9,9] [1,1] [0,0,0,0] [1,1] 1 0 0 -128 127", "conv2d: x"},
  };
  const std::vector<Operand> operands = {int8_operand({1, 2, 3, 4}), int8_operand({256})};
  for (const auto& c : cases) {
    Program program;
    const std::string text = std::string("segment 1\ninputs 1\nconstants 1\n") + c.node + "\noutputs 2\n";
    EXPECT(parse_program(text, &program).ok());
    Plan plan;
    const Status status = make_plan(program, operands, 1, &plan);
    if (status.ok() || status.message.find(c.part) == std::string::npos) {
      testing::fail(__FILE__, __LINE__, std::string(c.node) + ": '" + status.message + "' lacks " + c.part);
    }
  }
}

TEST(a_view_of_strided_memory_is_refused) {
  const int64_t strides[4] = {24, 1, 8, 2};
  Program program;
  Plan plan;
  EXPECT(
      parse_program("segment 1\ninputs 1\nconstants 0\nflatten 0 : 1 3\nquantize 1 : 1 0\noutputs 2\n", &program).ok());
  const Status status = make_plan(program, {{{Dtype::float32, 4, {1, 2, 3, 4}}, strides, nullptr}}, 1, &plan);
  EXPECT(status.message.find("flatten: x: given a tensor with strides") != std::string::npos);
}

TEST(outputs_must_have_memory_of_their_own) {
  Program program;
  Plan plan;
  EXPECT(parse_program("segment 1\ninputs 1\nconstants 0\nflatten 0 : 0 3\noutputs 1\n", &program).ok());
  EXPECT(!make_plan(program, {int8_operand({1, 2, 3, 4})}, 1, &plan).ok());
  EXPECT(parse_program("segment 1\ninputs 1\nconstants 0\nslice_channels 0 : 0 4\nflatten 1 : 0 3\noutputs 1 2\n",
                       &program)
             .ok());
  EXPECT(!make_plan(program, {int8_operand({1, 2, 3, 4})}, 1, &plan).ok());
}

// Random graphs of slices, sums and views: each value read must still be what was written.
TEST(values_that_live_together_do_not_share_memory) {
  Random random(2);
  for (int round = 0; round < 200; ++round) {
    const int64_t channels = random.integer(1, 70);
    std::string text = "segment 1\ninputs 1\nconstants 0\n";
    std::vector<std::vector<int8_t>> values;  // what each should be
    std::vector<int8_t> input(static_cast<size_t>(3 * channels));
    for (int8_t& x : input) x = static_cast<int8_t>(random.integer(-20, 20));
    values.push_back(input);
    const int64_t nodes = random.integer(1, 25);
    for (int64_t n = 0; n < nodes; ++n) {
      const auto pick = [&] { return static_cast<size_t>(random.integer(0, static_cast<int64_t>(values.size()) - 1)); };
      const size_t a = pick();
      const size_t b = pick();
      if (random.integer(0, 4) == 0) {
        text += "slice_channels " + std::to_string(a) + " : 0 " + std::to_string(channels) + "\n";
        values.push_back(values[a]);
      } else {
        text += "add " + std::to_string(a) + " " + std::to_string(b) + " : 1 0 1 0 1 0 -128 127\n";
        std::vector<int8_t> sum(values[a].size());
        for (size_t i = 0; i < sum.size(); ++i) {
          const int s = values[a][i] + values[b][i];
          sum[i] = static_cast<int8_t>(s < -128 ? -128 : s > 127 ? 127 : s);
        }
        values.push_back(sum);
      }
    }
    const auto other = static_cast<int>(random.integer(1, nodes));
    text += "outputs " + std::to_string(nodes) + (other == nodes ? "" : " " + std::to_string(other)) + "\n";
    const std::vector<Operand> operands = {int8_operand({3, channels}, input.data())};
    std::shared_ptr<const Session> session;
    EXPECT(open_session(text, operands, 1, &session).ok());
    EXPECT(session->plan.arena_bytes >= session->plan.live_bytes);
    EXPECT(session->plan.arena_bytes <= session->plan.total_bytes);
    testing::Buffer<int8_t> scratch((session->scratch_bytes() + 63) / 64 * 64);
    Context context;
    context.workspace = scratch.data();
    context.workspace_bytes = scratch.size();
    std::vector<int8_t> last(input.size()), another(input.size());
    void* outputs[] = {last.data(), another.data()};
    EXPECT(run_session(*session, operands, outputs, context).ok());
    EXPECT_SAME(last.data(), values.back().data(), last.size(), text);
    if (other != nodes) EXPECT_SAME(another.data(), values[static_cast<size_t>(other)].data(), another.size(), text);
  }
}

TEST(a_session_is_kept_for_its_shapes) {
  std::shared_ptr<const Session> first, again, other;
  EXPECT(open_session(kGood, {int8_operand({8}), int8_operand({256})}, 1, &first).ok());
  EXPECT(open_session(kGood, {int8_operand({8}), int8_operand({256})}, 1, &again).ok());
  EXPECT(open_session(kGood, {int8_operand({9}), int8_operand({256})}, 1, &other).ok());
  EXPECT(first == again);
  EXPECT(first != other);
  EXPECT(!open_session(kGood, {int8_operand({8})}, 1, &other).ok());
}

// Programs of one length, for the same shapes: only the text tells them apart.
TEST(sessions_of_other_programs_are_other_sessions) {
  const char* const text = "segment 1\ninputs 1\nconstants 0\nquantize 0 : 1 %\noutputs 1\n";
  const float x[2] = {1, 2};
  const std::vector<Operand> operands = {{{Dtype::float32, 1, {2}}, nullptr, x}};
  for (int round = 0; round < 2; ++round) {
    for (char digit = '0'; digit <= '9'; ++digit) {
      std::string own = text;
      own[own.find('%')] = digit;
      std::shared_ptr<const Session> session;
      EXPECT(open_session(own, operands, 1, &session).ok());
      int8_t out[2] = {};
      void* outputs[] = {out};
      EXPECT(run_session(*session, operands, outputs, Context()).ok());
      EXPECT_EQ(out[0], digit - '0' + 1);
      EXPECT_EQ(out[1], digit - '0' + 2);
    }
  }
}

TEST(a_session_depends_on_the_instruction_set) {
  std::vector<std::shared_ptr<const Session>> sessions;
  testing::for_each_isa([&](const std::string&) {
    std::shared_ptr<const Session> session;
    EXPECT(open_session(kGood, {int8_operand({8}), int8_operand({256})}, 1, &session).ok());
    for (const auto& other : sessions) EXPECT(other != session);
    sessions.push_back(session);
  });
}

// A chain that is worth several tasks an operator: the same bytes from one thread, from a pool of threads, and from
// one that runs its tasks one after the other, backwards; again and again, for the first run goes another way.
TEST(any_pool_gives_the_same_bytes) {
  constexpr int64_t kCount = 100003;
  std::string text = "segment 1\ninputs 1\nconstants 1\n";
  for (int i = 0; i < 20; ++i) text += "lut " + std::to_string(i == 0 ? 0 : i + 1) + " 1 :\n";
  text += "outputs 21\n";
  Random random(3);
  std::vector<int8_t> x(kCount), table(256), expected(kCount);
  for (int8_t& value : x) value = static_cast<int8_t>(random.integer(-128, 127));
  for (int8_t& value : table) value = static_cast<int8_t>(random.integer(-128, 127));
  const std::vector<Operand> operands = {int8_operand({kCount}, x.data()), int8_operand({256}, table.data())};
  const auto run = [&](int threads, void (*run_tasks)(void*, int, void (*)(void*, int), void*)) {
    std::shared_ptr<const Session> session;
    EXPECT(open_session(text, operands, threads, &session).ok());
    testing::Threads pool(threads, session->scratch_bytes());
    Context context = pool.context();
    context.run_tasks = run_tasks;
    std::vector<int8_t> out(kCount);
    void* outputs[] = {out.data()};
    EXPECT(run_session(*session, operands, outputs, context).ok());
    return out;
  };
  expected = run(1, nullptr);
  for (int round = 0; round < 5; ++round) {
    for (const int threads : {2, 3, 7}) {
      const std::vector<int8_t> parallel = run(threads, testing::run_on_threads);
      EXPECT_SAME(parallel.data(), expected.data(), expected.size(), "threads");
      const std::vector<int8_t> serial = run(threads, [](void*, int tasks, void (*task)(void*, int), void* arg) {
        for (int i = tasks; i-- > 0;) task(arg, i);
      });
      EXPECT_SAME(serial.data(), expected.data(), expected.size(), "one after the other");
    }
  }
}

TEST(times_are_recorded_when_asked_for) {
  const int8_t x[8] = {}, table[256] = {};
  int8_t out[8];
  const std::vector<Operand> operands = {int8_operand({8}, x), int8_operand({256}, table)};
  std::shared_ptr<const Session> session;
  EXPECT(open_session(kGood, operands, 1, &session).ok());
  testing::Threads memory(1, session->scratch_bytes());
  void* outputs[] = {out};
  EXPECT(run_session(*session, operands, outputs, memory.context()).ok());
  start_recording();
  for (int i = 0; i < 3; ++i) EXPECT(run_session(*session, operands, outputs, memory.context()).ok());
  const std::vector<SegmentTimes> times = stop_recording();
  EXPECT(run_session(*session, operands, outputs, memory.context()).ok());
  EXPECT(recording() == nullptr);
  EXPECT(stop_recording().empty());
  EXPECT_EQ(times.size(), size_t{3});
  for (const SegmentTimes& each : times) {
    EXPECT(each.program == kGood);
    EXPECT_EQ(each.operators.size(), size_t{2});
    int64_t sum = 0;
    for (const OperatorTime& time : each.operators) sum += time.nanoseconds;
    EXPECT(sum <= each.nanoseconds);
  }
}

// conv -> depthwise -> conv + residual -> conv, as mobile networks have them: the same bytes on every instruction set,
// whether values inside are kept as uint8 or not; and with a cap that changes between planning and running.
TEST(uint8_inside_a_segment) {
  Random random(9);
  const int64_t wide = 40, narrow = 16;
  const auto packed_of = [&](int64_t out, int64_t in, int64_t kernel, int64_t groups) {
    std::vector<int8_t> weights(static_cast<size_t>(out * in / groups * kernel * kernel)), packed;
    for (int8_t& w : weights) w = static_cast<int8_t>(random.integer(-127, 127));
    const std::vector<float> scale(static_cast<size_t>(out), 1.0f / 1024);
    EXPECT_OK(mobilekernels::pack_weights({weights.data(), nullptr, scale.data(), out, in, kernel, kernel, groups, 3},
                                          &packed));
    return packed;
  };
  const std::vector<int8_t> packed[] = {packed_of(wide, narrow, 1, 1), packed_of(wide, wide, 3, wide),
                                        packed_of(narrow, wide, 1, 1), packed_of(8, narrow, 3, 1)};
  const std::string text =
      "segment 1\ninputs 1\nconstants 4\n"
      "conv2d 0 1 : 40 [1,1] [1,1] [0,0,0,0] [1,1] 1 3 3 -100 120\n"
      "conv2d 5 2 : 40 [3,3] [1,1] [1,1,1,1] [1,1] 40 3 3 -128 127\n"
      "conv2d_add 6 3 0 : 16 [1,1] [1,1] [0,0,0,0] [1,1] 1 3 0.1 0 -128 127 0.1 3 0.1 3 -128 127\n"
      "conv2d 7 4 : 8 [3,3] [2,2] [1,1,1,1] [1,1] 1 3 0 -128 127\n"
      "outputs 8\n";
  std::vector<int8_t> x(static_cast<size_t>(9 * 11 * narrow));
  for (int8_t& value : x) value = static_cast<int8_t>(random.integer(-128, 127));
  std::vector<Operand> operands = {int8_operand({1, 9, 11, narrow}, x.data())};
  for (const auto& blob : packed) operands.push_back(int8_operand({static_cast<int64_t>(blob.size())}, blob.data()));
  std::vector<std::shared_ptr<const Session>> sessions;
  const auto run = [&](const Session& session) {
    testing::Threads pool(2, session.scratch_bytes());
    std::vector<int8_t> out(5 * 6 * 8);
    void* outputs[] = {out.data()};
    EXPECT_OK(run_session(session, operands, outputs, pool.context()));
    return out;
  };
  EXPECT_OK(mobilekernels::set_isa_cap("scalar"));  // whose kernels keep int8
  std::shared_ptr<const Session> scalar;
  EXPECT_OK(open_session(text, operands, 2, &scalar));
  const std::vector<int8_t> expected = run(*scalar);
  testing::for_each_isa([&](const std::string& isa) {
    std::shared_ptr<const Session> session;
    EXPECT_OK(open_session(text, operands, 2, &session));
    const std::vector<char>& u8 = session->plan.u8;
    EXPECT_EQ(u8[5] + u8[6] + u8[7], isa == "avx512vnni" ? 3 : 0);
    EXPECT_EQ(u8[8], 0);
    const std::vector<int8_t> out = run(*session);
    EXPECT_SAME(out.data(), expected.data(), out.size(), isa);
    sessions.push_back(session);
  });
  testing::for_each_isa([&](const std::string& isa) {
    for (const auto& session : sessions) {
      const std::vector<int8_t> out = run(*session);
      EXPECT_SAME(out.data(), expected.data(), out.size(), isa + ", planned for another");
    }
  });
}

TEST(too_little_scratch_memory_is_refused) {
  std::shared_ptr<const Session> session;
  int8_t x[8] = {}, table[256] = {}, out[8];
  const std::vector<Operand> operands = {int8_operand({8}, x), int8_operand({256}, table)};
  EXPECT(open_session(kGood, operands, 1, &session).ok());
  Context context;
  void* outputs[] = {out};
  EXPECT(!run_session(*session, operands, outputs, context).ok());
}

}  // namespace
