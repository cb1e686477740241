#include "segment/program.h"

#include <cstdlib>

namespace mobilekernels::segment {
namespace {

constexpr int kVersion = 1;
constexpr int kMost = 1 << 20;  // of anything that is counted

Status line_error(int line, const std::string& what) {
  return format_error("segment: program: line " + std::to_string(line) + ": " + what);
}

std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : line + " ") {
    if (c != ' ' && c != ',' && c != '[' && c != ']') {
      word += c;
    } else if (!word.empty()) {
      words.push_back(word);
      word.clear();
    }
  }
  return words;
}

bool to_int(const std::string& word, int lowest, int highest, int* value) {
  char* end = nullptr;
  const long parsed = std::strtol(word.c_str(), &end, 10);
  if (word.empty() || *end != '\0' || parsed < lowest || parsed > highest) return false;
  *value = static_cast<int>(parsed);
  return true;
}

bool to_double(const std::string& word, double* value) {
  char* end = nullptr;
  *value = std::strtod(word.c_str(), &end);
  return !word.empty() && *end == '\0';
}

// "<key> <number>"
Status parse_count(int line, const std::vector<std::string>& words, const char* key, int lowest, int highest,
                   int* value) {
  if (words.size() == 2 && words[0] == key && to_int(words[1], lowest, highest, value)) return {};
  return line_error(
      line, std::string("accepted '") + key + " <" + std::to_string(lowest) + " to " + std::to_string(highest) + ">'");
}

Status parse_node(int line, const std::vector<std::string>& words, int values, Node* node) {
  node->op = find_op(words[0]);
  if (node->op == nullptr) return line_error(line, "there is no operator '" + words[0] + "'");
  size_t i = 1;
  for (; i < words.size() && words[i] != ":"; ++i) {
    int value = 0;
    if (!to_int(words[i], 0, values - 1, &value)) {
      return line_error(line, "given value '" + words[i] + "', accepted 0 to " + std::to_string(values - 1));
    }
    node->inputs.push_back(value);
  }
  for (++i; i < words.size(); ++i) {
    double number = 0;
    if (!to_double(words[i], &number)) return line_error(line, "'" + words[i] + "' is not a number");
    node->numbers.push_back(number);
  }
  if (node->inputs.empty()) return line_error(line, "an operator needs an input");
  return {};
}

}  // namespace

Status parse_program(const std::string& text, Program* program) {
  *program = {};
  int line = 0;
  int version = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin) == std::string::npos ? text.size() : text.find('\n', begin);
    const size_t label = text.find('#', begin);
    const std::vector<std::string> words = words_of(text.substr(begin, (label < end ? label : end) - begin));
    begin = end + 1;
    ++line;
    if (!program->outputs.empty()) return line_error(line, "nothing may follow the outputs");
    if (words.empty()) return line_error(line, "is empty");
    if (line == 1) {
      MOBILEKERNELS_RETURN_IF_ERROR(parse_count(line, words, "segment", kVersion, kVersion, &version));
    } else if (line == 2) {
      MOBILEKERNELS_RETURN_IF_ERROR(parse_count(line, words, "inputs", 1, kMost, &program->inputs));
    } else if (line == 3) {
      MOBILEKERNELS_RETURN_IF_ERROR(parse_count(line, words, "constants", 0, kMost, &program->constants));
    } else if (words[0] != "outputs") {
      Node node{};
      MOBILEKERNELS_RETURN_IF_ERROR(parse_node(line, words, program->values(), &node));
      program->nodes.push_back(std::move(node));
    } else {
      for (size_t i = 1; i < words.size(); ++i) {
        int value = 0;
        // Only results: an input that is an output as well needs no segment.
        if (!to_int(words[i], program->first_result(), program->values() - 1, &value)) {
          return line_error(line, "given output '" + words[i] + "', accepted " +
                                      std::to_string(program->first_result()) + " to " +
                                      std::to_string(program->values() - 1));
        }
        program->outputs.push_back(value);
      }
    }
  }
  if (program->outputs.empty()) return line_error(line + 1, "accepted 'outputs <values>'");
  return {};
}

}  // namespace mobilekernels::segment
