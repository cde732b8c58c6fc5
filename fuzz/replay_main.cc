// Feeds a fuzz target its corpus, and a fixed set of damaged copies of each file, without libFuzzer: the same inputs every run,
// with any compiler. Usage: NAME_replay DIR. When the target breaks, the input that did it is written to NAME_replay.broken in
// the working directory.
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace {

using Input = std::vector<std::uint8_t>;

constexpr std::size_t kMaxTruncations = 256;  // of one file; spread evenly over a longer one
constexpr int kMaxDamaged = 512;              // copies of one file with bits, bytes or spans changed

// What the target is working on, for the handlers below: a crash can pass nothing.
const Input* current_input = nullptr;
std::string broken_path;

void save_current_input() {
  if (current_input == nullptr) return;
  if (std::FILE* file = std::fopen(broken_path.c_str(), "wb")) {
    std::fwrite(current_input->data(), 1, current_input->size(), file);
    std::fclose(file);
    std::fprintf(stderr, "replay: the input that did it is in %s\n", broken_path.c_str());
  }
}

void on_signal(int number) {
  save_current_input();
  std::signal(number, SIG_DFL);
  std::raise(number);
}

void run(const Input& input) {
  current_input = &input;
  // An exact copy on the heap, so that AddressSanitizer sees a read one byte past the end.
  const Input exact(input.begin(), input.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
  current_input = nullptr;
}

/// xorshift64*: the damage is the same on every machine.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed | 1) {}
  std::size_t below(std::size_t end) {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return static_cast<std::size_t>((state_ * 0x2545F4914F6CDD1Dull) >> 16) % end;
  }

 private:
  std::uint64_t state_;
};

void run_truncations(const Input& input) {
  const std::size_t step = std::max<std::size_t>(1, input.size() / kMaxTruncations);
  for (std::size_t length = 0; length < input.size(); length += step) {
    run(Input(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(length)));
  }
}

/// One change of a kind that breaks parsers: a bit, a byte of an edge value, a span repeated or taken out, a little-endian
/// number near its limit.
void damage(Input& input, Dice& dice) {
  constexpr std::uint8_t kEdges[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
  const std::size_t at = dice.below(input.size());
  const auto from = input.begin() + static_cast<std::ptrdiff_t>(at);
  const auto span = static_cast<std::ptrdiff_t>(1 + dice.below(std::min<std::size_t>(16, input.size() - at)));
  switch (dice.below(5)) {
    case 0: *from = static_cast<std::uint8_t>(*from ^ (1u << dice.below(8))); break;
    case 1: *from = kEdges[dice.below(std::size(kEdges))]; break;
    case 2: {
      const Input copy(from, from + span);
      input.insert(from, copy.begin(), copy.end());
      break;
    }
    case 3: input.erase(from, from + span); break;
    default: std::fill(from, from + std::min<std::ptrdiff_t>(span, 8), kEdges[dice.below(std::size(kEdges))]); break;
  }
}

void run_damaged(const Input& input, std::uint64_t seed) {
  if (input.empty()) return;
  Dice dice(seed);
  for (int i = 0; i < kMaxDamaged; ++i) {
    Input copy = input;
    for (std::size_t changes = 1 + dice.below(4); changes > 0 && !copy.empty(); --changes) damage(copy, dice);
    run(copy);
  }
}

Input read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return Input(std::istreambuf_iterator<char>(file), {});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s CORPUS_DIR\n", argv[0]);
    return 2;
  }
  broken_path = std::filesystem::path(argv[0]).filename().string() + ".broken";
  std::signal(SIGABRT, on_signal);
  if (__sanitizer_set_death_callback != nullptr) {
    __sanitizer_set_death_callback(save_current_input);  // it has the other signals
  } else {
    for (int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(number, on_signal);
  }

  std::error_code failed;
  std::vector<std::filesystem::path> files;
  for (std::filesystem::directory_iterator it(argv[1], failed), end; !failed && it != end; it.increment(failed)) {
    if (it->is_regular_file()) files.push_back(it->path());
  }
  if (failed || files.empty()) {
    std::fprintf(stderr, "replay: %s holds no corpus%s%s\n", argv[1], failed ? ": " : "", failed ? failed.message().c_str() : "");
    return 1;
  }
  std::sort(files.begin(), files.end());

  run({});
  std::uint64_t seed = 0;
  for (const auto& path : files) {
    const Input input = read_file(path);
    run(input);
    run_truncations(input);
    run_damaged(input, ++seed);
  }
  std::printf("replayed %zu files\n", files.size());
  return 0;
}
